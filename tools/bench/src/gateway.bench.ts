import { newInstallation } from '@morag/testing';
import { fastify } from 'fastify';
import { grpcClient, restClient } from './clients.ts';
import { comparePaired } from './paired.ts';
import { type Line, numberLine, ratioLine } from './report.ts';

const ITEMS = 20;

interface Servers {
  readonly servers: readonly { readonly name: string }[];
}

/** P1: a read through the gateway against the same RPC over gRPC, one item and twenty, one caller and sixteen. */
export async function gatewayBenchmark(): Promise<Line[]> {
  const installation = await newInstallation();
  await installation.start();
  try {
    const token = await installation.token();
    const rest = restClient(installation.gateway, token);
    const address = `127.0.0.1:${installation.ports.servers}`;
    const grpc = grpcClient('morag/servers/v1/server_service.proto', 'morag.servers.v1.ServerService', address, token);
    for (let number = 1; number < ITEMS; number += 1) {
      await rest.call('POST', '/v1/servers', {
        name: `server ${number}`,
        type: 'CHROMA',
        host: '127.0.0.1',
        port: 7800 + number,
      });
    }
    const { servers } = await rest.call<{ servers: { id: string }[] }>('GET', '/v1/servers');
    const id = servers[0]?.id ?? '';
    const lines: Line[] = [];
    for (const callers of [1, 16]) {
      const options = { callers, calls: callers === 1 ? 50 : 160, rounds: 7 };
      const get = await comparePaired(
        async () => expectId(await rest.call('GET', `/v1/servers/${id}`), id),
        async () => expectId(await grpc.call('getServer', { serverId: id }), id),
        options,
      );
      const list = await comparePaired(
        async () => expectItems(await rest.call('GET', '/v1/servers?pageSize=20')),
        async () => expectItems(await grpc.call('listServers', { pageSize: ITEMS })),
        options,
      );
      for (const [what, result] of [
        ['get', get],
        ['list of 20', list],
      ] as const) {
        const label = `${what}, ${callers} caller${callers > 1 ? 's' : ''}`;
        lines.push(ratioLine('P1', `${label}, p50`, result, 1));
        lines.push(numberLine('P1', `${label}, p99`, result.ours.p99 / result.baseline.p99, 1.25));
        lines.push(
          numberLine('P1', `${label}, gRPC's peak rate over ours`, result.baseline.rate / result.ours.rate, 1),
        );
      }
    }
    lines.push(await againstBareRoute(rest, id));
    grpc.close();
    await rest.close();
    return lines;
  } finally {
    await installation.remove();
  }
}

/** The guard: how far from the least that Node.js needs for a JSON route. */
async function againstBareRoute(rest: ReturnType<typeof restClient>, id: string): Promise<Line> {
  const body = await rest.call<object>('GET', `/v1/servers/${id}`);
  const app = fastify();
  app.get('/v1/servers/:id', () => body);
  const bare = restClient(await app.listen({ host: '127.0.0.1', port: 0 }), '');
  const result = await comparePaired(
    async () => expectId(await rest.call('GET', `/v1/servers/${id}`), id),
    async () => expectId(await bare.call('GET', `/v1/servers/${id}`), id),
    { callers: 1, calls: 50, rounds: 7 },
  );
  await bare.close();
  await app.close();
  return ratioLine('P1', 'get against a bare Fastify route in this process, p50', result, 8);
}

function expectId(server: { readonly id?: string }, id: string): void {
  if (server.id !== id) throw new Error('the answer is not the server');
}

function expectItems({ servers }: Servers): void {
  if (servers.length !== ITEMS) throw new Error(`the answer holds ${servers.length} servers`);
}
