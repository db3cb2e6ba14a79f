import { type Client, createClient } from '@connectrpc/connect';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { createServiceTransport } from '@morag/rpc';
import { eventually, newInstallation } from '@morag/testing';
import type { BenchServer } from './lab-servers.ts';

/** Copying waits for servers to be looked at, and a machine may be busy. */
const IN_SYNC_MS_MAX = 120_000;

/** An installation whose service of servers is a process of its own, with what the benchmarks of placements need. */
export interface BenchSystem {
  readonly records: Client<typeof RecordService>;
  readonly options: { readonly headers: { readonly authorization: string } };
  /** Registers a server and answers its id. */
  register(server: BenchServer): Promise<string>;
  /** A database of these servers, in sync; the first has the primary. */
  createDatabase(dimension: number, servers: readonly string[]): Promise<{ id: string; collection: string }>;
  remove(): Promise<void>;
}

/** Starts one. */
export async function startBenchSystem(): Promise<BenchSystem> {
  const installation = await newInstallation({ MORAG_PROCESSES: 'separate' });
  await installation.start();
  const origin = `http://127.0.0.1:${installation.ports.servers}`;
  const transport = createServiceTransport({ baseUrl: origin });
  const databases = createClient(DatabaseService, transport);
  const options = { headers: { authorization: `Bearer ${await installation.token()}` } };
  const untilInSync = (databaseId: string): Promise<void> =>
    eventually(
      async () => {
        const { placements } = await installation
          .call<{ placements: { state: string }[] }>('GET', `/v1/databases/${databaseId}/placements`)
          .then(({ body }) => body);
        const late = placements.find(({ state }) => state !== 'IN_SYNC');
        if (late) throw new Error(`a placement is ${JSON.stringify(late)}`);
      },
      { timeoutMs: IN_SYNC_MS_MAX },
    );
  return {
    records: createClient(RecordService, transport),
    options,
    async register({ settings }) {
      const server = { ...settings, name: crypto.randomUUID() };
      const { status, body } = await installation.call<{ id: string }>('POST', '/v1/servers', server);
      if (status !== 200) throw new Error(`the server was not registered: ${JSON.stringify(body)}`);
      const test = await installation.call<{ success: boolean }>('POST', `/v1/servers/${body.id}:testConnection`, {});
      if (!test.body.success) throw new Error(`the server was not reached: ${JSON.stringify(test.body)}`);
      return body.id;
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
