import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@connectrpc/connect';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { createServiceTransport } from '@morag/rpc';
import { type Installation, newInstallation } from '@morag/testing';
import { comparePaired } from './paired.ts';
import { type Line, ratioLine } from './report.ts';

const ITEMS = 50;
const RAW = fileURLToPath(new URL('./raw-service.ts', import.meta.url));

/** P9: reading one server and fifty against the same RPCs written straight on pg, each service a process of its own. */
export async function readBenchmark(): Promise<Line[]> {
  const installation = await newInstallation({ MORAG_PROCESSES: 'separate' });
  await installation.start();
  const token = await installation.token();
  const options = { headers: { authorization: `Bearer ${token}` } };
  const transport = createServiceTransport({ baseUrl: `http://127.0.0.1:${installation.ports.servers}` });
  const ours = createClient(ServerService, transport);
  for (let number = 1; number < ITEMS; number += 1) {
    await ours.createServer(
      { server: { name: `server ${number}`, type: 4, host: '127.0.0.1', port: number } },
      options,
    );
  }
  const [first] = (await ours.listServers({ pageSize: 1 }, options)).servers;
  const raw = await startRaw(installation, first?.ownerId ?? '');
  const rawTransport = createServiceTransport({ baseUrl: `http://127.0.0.1:${raw.port}` });
  const baseline = createClient(ServerService, rawTransport);
  try {
    const serverId = first?.id ?? '';
    const get = (client: typeof ours) => async () => {
      if ((await client.getServer({ serverId }, options)).id !== serverId)
        throw new Error('the answer is not the server');
    };
    const list = (client: typeof ours) => async () => {
      const { servers } = await client.listServers({ pageSize: ITEMS }, options);
      if (servers.length !== ITEMS) throw new Error(`the answer holds ${servers.length} servers`);
    };
    const block = { callers: 4, calls: 120, rounds: 7 };
    return [
      ratioLine('P9', 'get, 4 callers, p50', await comparePaired(get(ours), get(baseline), block), 1.5),
      ratioLine('P9', 'list of 50, 4 callers, p50', await comparePaired(list(ours), list(baseline), block), 1.5),
    ];
  } finally {
    transport.close();
    rawTransport.close();
    raw.stop();
    await installation.remove();
  }
}

async function startRaw(installation: Installation, ownerId: string): Promise<{ port: number; stop(): void }> {
  const password = encodeURIComponent(readFileSync(join(installation.folder, 'keys/postgres.password'), 'utf8'));
  const url = `postgresql://postgres:${password}@127.0.0.1:${installation.ports.postgres}/morag`;
  const child = spawn(process.execPath, [RAW, url, ownerId], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  return { port: Number(line), stop: () => void child.kill() };
}
