import { randomUUID } from 'node:crypto';
import { reasonOf, violationsOf } from '@morag/errors';
import { Server_DatabaseType } from '@morag/gen/morag/servers/v1/server_pb.ts';
import type { Caller, Harness } from './harness.ts';
import type { MemoryServer } from './memory-server.ts';

/** A database on a server of its own. */
export interface TestDatabase {
  readonly databaseId: string;
  readonly serverId: string;
  readonly placementId: string;
  readonly collection: string;
  readonly memory: MemoryServer;
}

let nextPort = 30_000;

/** Registers and tests a server in memory. */
export async function newServer({ servers, vendors }: Harness, owner: Caller, overrides: object = {}) {
  const port = nextPort++;
  const server = { name: randomUUID(), type: Server_DatabaseType.CHROMA, host: '127.0.0.1', port, ...overrides };
  const { id: serverId } = await servers.createServer({ server }, owner.as);
  await servers.testConnection({ serverId }, owner.as);
  return { serverId, memory: vendors.server(port) };
}

/** Makes a database of three dimensions on a server of its own. */
export async function newDatabase(harness: Harness, owner: Caller, overrides: object = {}): Promise<TestDatabase> {
  const { serverId, memory } = await newServer(harness, owner);
  const database = { name: randomUUID(), dimension: 3, serverId, ...overrides };
  const { id: databaseId, collection } = await harness.databases.createDatabase({ database }, owner.as);
  const { placements } = await harness.databases.listPlacements({ databaseId }, owner.as);
  return { databaseId, serverId, collection, memory, placementId: placements[0]?.id ?? '' };
}

/** A record in a direction of its own. */
export function record(
  id: string,
  { metadata = {}, x = 1 }: { metadata?: Record<string, string | number>; x?: number } = {},
) {
  return { id, vector: [x, 0.5, 0.25], metadata, text: `text of ${id}` };
}

/** Why a call was refused; `reason` is undefined when it was not. */
export async function refusal(call: Promise<unknown>): Promise<{ reason?: string; fields: string[] }> {
  try {
    await call;
    return { fields: [] };
  } catch (error) {
    return { reason: reasonOf(error), fields: violationsOf(error as never).map(({ field }) => field) };
  }
}
