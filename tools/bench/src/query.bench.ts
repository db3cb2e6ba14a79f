import { createClient } from '@connectrpc/connect';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { createServiceTransport } from '@morag/rpc';
import { newInstallation } from '@morag/testing';
import { ChromaClient } from 'chromadb';
import { comparePaired, mulberry32 } from './paired.ts';
import { type Line, numberLine, ratioLine } from './report.ts';

const DIMENSION = 384;
const RECORDS = 2_000;
const BATCH = 500;
const TOP_K = 10;

/** P2: a vector query routed by us against the same query by the vendor's SDK, on the same collection of a real Chroma. */
export async function queryBenchmark(): Promise<Line[]> {
  const installation = await newInstallation({ MORAG_PROCESSES: 'separate' });
  await installation.start();
  const transport = createServiceTransport({ baseUrl: `http://127.0.0.1:${installation.ports.servers}` });
  try {
    const options = { headers: { authorization: `Bearer ${await installation.token()}` } };
    const { servers } = await createClient(ServerService, transport).listServers({}, options);
    const database = await createClient(DatabaseService, transport).createDatabase(
      { database: { name: 'bench', dimension: DIMENSION, serverId: servers[0]?.id } },
      options,
    );
    const records = createClient(RecordService, transport);
    const random = mulberry32(7);
    const vector = (): number[] => Array.from({ length: DIMENSION }, () => random() * 2 - 1);
    for (let first = 0; first < RECORDS; first += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, index) => ({ id: `record-${first + index}`, vector: vector() }));
      await records.upsertRecords({ databaseId: database.id, records: batch }, options);
    }
    const chroma = new ChromaClient({ host: '127.0.0.1', port: installation.ports.chroma, ssl: false });
    const collection = await chroma.getCollection({ name: database.collection, embeddingFunction: undefined });
    const queries = Array.from({ length: 100 }, vector);
    let next = 0;
    const query = (): number[] => queries[next++ % queries.length] ?? [];
    const lines: Line[] = [];
    for (const callers of [1, 8]) {
      const result = await comparePaired(
        async () => {
          const request = { databaseId: database.id, vector: query(), topK: TOP_K };
          expectHits((await records.queryRecords(request, options)).hits.length);
        },
        async () => {
          const { ids } = await collection.query({
            queryEmbeddings: [query()],
            nResults: TOP_K,
            include: ['distances', 'metadatas', 'documents'],
          });
          expectHits(ids[0]?.length);
        },
        { callers, calls: 240, rounds: 7 },
      );
      const label = `${RECORDS} × ${DIMENSION} on Chroma, ${callers} caller${callers > 1 ? 's' : ''}`;
      lines.push(ratioLine('P2', `${label}, p50`, result, 1.05));
      lines.push(numberLine('P2', `${label}, p99`, result.ours.p99 / result.baseline.p99, 1.15));
      lines.push(numberLine('P2', `${label}, added p50`, result.ours.p50 - result.baseline.p50, 0.25, 'ms'));
    }
    return lines;
  } finally {
    transport.close();
    await installation.remove();
  }
}

function expectHits(count: number | undefined): void {
  if (count !== TOP_K) throw new Error(`the answer holds ${count} hits`);
}
