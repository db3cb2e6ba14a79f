import { type Client, createClient } from '@connectrpc/connect';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { createServiceTransport } from '@morag/rpc';
import { eventually, newInstallation } from '@morag/testing';
import type { BenchServer } from './lab-servers.ts';
import { type Picks, parsePicks } from './picks.ts';

/** Copying waits for servers to be looked at, and a machine may be busy. */
const IN_SYNC_MS_MAX = 120_000;

/** An installation whose service of servers is a process of its own, with what the benchmarks of placements need. */
export interface BenchSystem {
  readonly records: Client<typeof RecordService>;
  readonly options: { readonly headers: { readonly authorization: string } };
  /** Registers a server and answers its id. */
  register(server: Pick<BenchServer, 'settings'>): Promise<string>;
  /** A database of these servers, in sync; the first has the primary. */
  createDatabase(dimension: number, servers: readonly string[]): Promise<{ id: string; collection: string }>;
  /** The placements of a database, as the API tells of them. */
  placements(databaseId: string): Promise<readonly BenchPlacement[]>;
  untilInSync(databaseId: string): Promise<void>;
  /** Calls the gateway as the administrator. */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Reads sent to each server so far. */
  picks(): Promise<Picks>;
  remove(): Promise<void>;
}

/** A copy of a database. */
export interface BenchPlacement {
  readonly serverId: string;
  readonly collection: string;
  readonly state: string;
}

/** Starts one. */
export async function startBenchSystem(): Promise<BenchSystem> {
  const installation = await newInstallation({ MORAG_PROCESSES: 'separate' });
  await installation.start();
  const origin = `http://127.0.0.1:${installation.ports.servers}`;
  const transport = createServiceTransport({ baseUrl: origin });
  const databases = createClient(DatabaseService, transport);
  const options = { headers: { authorization: `Bearer ${await installation.token()}` } };
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const headers = { ...options.headers, ...(body !== undefined && { 'content-type': 'application/json' }) };
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(installation.gateway + path, { method, headers, ...content });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  };
  const placements = async (databaseId: string): Promise<readonly BenchPlacement[]> => {
    const path = `/v1/databases/${databaseId}/placements`;
    return (await call<{ placements: BenchPlacement[] }>('GET', path)).placements;
  };
  const untilInSync = (databaseId: string): Promise<void> =>
    eventually(
      async () => {
        const late = (await placements(databaseId)).find(({ state }) => state !== 'IN_SYNC');
        if (late) throw new Error(`a placement is ${JSON.stringify(late)}`);
      },
      { timeoutMs: IN_SYNC_MS_MAX },
    );
  return {
    records: createClient(RecordService, transport),
    options,
    call,
    placements,
    untilInSync,
    picks: async () => parsePicks(await (await fetch(`${origin}/metrics`)).text()),
    async register({ settings }) {
      const server = { ...settings, name: crypto.randomUUID() };
      const { id } = await call<{ id: string }>('POST', '/v1/servers', server);
      const test = await call<{ success: boolean }>('POST', `/v1/servers/${id}:testConnection`, {});
      if (!test.success) throw new Error(`the server was not reached: ${JSON.stringify(test)}`);
      return id;
    },
    async createDatabase(dimension, [first, ...others]) {
      const database = { name: crypto.randomUUID(), dimension, serverId: first };
      const { id, collection } = await databases.createDatabase({ database }, options);
      for (const serverId of others) {
        await databases.createPlacement({ databaseId: id, placement: { serverId } }, options);
      }
      await untilInSync(id);
      return { id, collection };
    },
    async remove() {
      transport.close();
      await installation.remove();
    },
  };
}
