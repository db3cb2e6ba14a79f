import type { FastifyInstance } from 'fastify';
import { Refusal } from './refusal.ts';
import { createIndexRequest, read } from './requests.ts';
import { type Lags, StoredIndex } from './stored-index.ts';

/** The indexes of the one project there is. */
export interface Project {
  readonly indexes: Map<string, StoredIndex>;
  readonly lags: () => Lags;
  /** A host for the index, always the same for one name. */
  hostOf(name: string): Promise<string>;
  /** The name of the index that is served at this host. */
  nameAt(authority: string | undefined): string | undefined;
}

/** `/indexes`, without PATCH, and without collections, backups and models. */
export function addControlPlane(app: FastifyInstance, project: Project): void {
  app.get('/control/indexes', () => ({ indexes: living(project).map((index) => index.describe()) }));

  app.post('/control/indexes', async (request, reply) => {
    const wanted = read(createIndexRequest, request.body, 422);
    const taken = () => {
      if (living(project).some(({ name }) => name === wanted.name)) {
        throw new Refusal(409, 'ALREADY_EXISTS', 'Resource already exists');
      }
    };
    taken();
    const host = await project.hostOf(wanted.name);
    taken();
    const index = new StoredIndex(wanted, host, project.lags);
    project.indexes.set(wanted.name, index);
    return reply.code(201).send(index.describe());
  });

  app.get<{ Params: { name: string } }>('/control/indexes/:name', ({ params }) =>
    find(project, params.name).describe(),
  );

  app.delete<{ Params: { name: string } }>('/control/indexes/:name', ({ params }, reply) => {
    const index = find(project, params.name);
    if (index.isProtected()) {
      throw new Refusal(403, 'FORBIDDEN', 'Deletion protection is enabled for this index.');
    }
    index.delete();
    return reply.code(202).send();
  });
}

function living({ indexes }: Project): StoredIndex[] {
  for (const [name, index] of indexes) if (index.state() === 'gone') indexes.delete(name);
  return [...indexes.values()];
}

function find(project: Project, name: string): StoredIndex {
  const index = living(project).find((each) => each.name === name);
  if (!index) throw new Refusal(404, 'NOT_FOUND', `Resource ${name} not found`);
  return index;
}
