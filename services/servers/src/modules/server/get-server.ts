import { DomainError } from '@morag/errors';
import type { ServerStore } from './server.store.ts';
import type { Scope, Server } from './server.ts';

/** A server that the caller may see; another owner's is as absent as one that does not exist. */
export async function getServer(store: Pick<ServerStore, 'find'>, id: string, scope: Scope): Promise<Server> {
  const server = await store.find(id, scope);
  if (!server) throw new DomainError('SERVER_NOT_FOUND', 'There is no such server.', { metadata: { serverId: id } });
  return server;
}
