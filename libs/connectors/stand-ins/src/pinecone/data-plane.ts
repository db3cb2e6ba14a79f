import type { FastifyInstance, FastifyRequest } from 'fastify';
import { query } from './query.ts';
import { describeNamespace, describeStats, fetchByIds, fetchByMetadata, listIds } from './reading.ts';
import type { StoredIndex } from './stored-index.ts';
import { deleteVectors, upsert } from './writing.ts';

/** Header of the sequence number that a write was given. */
const WRITTEN = 'x-pinecone-request-lsn';
/** Header of the sequence number up to which a query sees writes. */
const INDEXED = 'x-pinecone-max-indexed-lsn';

/** Reading and writing records, without sparse vectors, updates, imports and the rest of namespaces. */
export function addDataPlane(app: FastifyInstance, indexOf: (request: FastifyRequest) => StoredIndex): void {
  for (const [path, write] of [
    ['upsert', upsert],
    ['delete', deleteVectors],
  ] as const) {
    app.post(`/data/vectors/${path}`, (request, reply) => {
      const { lsn, answer } = write(indexOf(request), request.body);
      void reply.header(WRITTEN, lsn);
      return answer;
    });
  }
  app.post('/data/query', (request, reply) => {
    const { indexed, answer } = query(indexOf(request), request.body);
    if (indexed !== undefined) void reply.header(INDEXED, indexed);
    return answer;
  });
  app.get('/data/vectors/fetch', (request) => fetchByIds(indexOf(request), request.query));
  app.get('/data/vectors/list', (request) => listIds(indexOf(request), request.query));
  app.post('/data/vectors/fetch_by_metadata', (request) => fetchByMetadata(indexOf(request), request.body));
  app.get<{ Params: { name: string } }>('/data/namespaces/:name', (request) =>
    describeNamespace(indexOf(request), request.params.name),
  );
  app.post('/data/describe_index_stats', (request) => describeStats(indexOf(request), request.body));
}
