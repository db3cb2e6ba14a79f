import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { describe, expect, it } from '@jest/globals';
import { reasonOf } from '@morag/errors';
import { Health, HealthCheckResponse_ServingStatus as Status } from '@morag/gen/grpc/health/v1/health_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { eventually } from '@morag/testing';
import { as, SERVER_ID, startHost } from '../../test/fixture.ts';
import { createServiceTransport } from '../client/service-transport.ts';

/** A promise and the function that resolves it. */
function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

const failure = (call: Promise<unknown>): Promise<ConnectError> =>
  call.then(
    () => Promise.reject(new Error('the call succeeded')),
    (error: unknown) => ConnectError.from(error),
  );

/** Nobody listens there any more. */
function isClosed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(false));
    socket.once('error', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });
}

describe('stop', () => {
  it.each([
    ['HTTP/1.1', (baseUrl: string) => createServiceTransport({ baseUrl })],
    ['gRPC', (baseUrl: string) => createGrpcTransport({ baseUrl })],
    ['HTTP/2', (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '2' })],
  ])('lets the calls under way over %s end, and takes no others', async (_, transport) => {
    const [entered, release] = [gate(), gate()];
    let running = 0;
    const { host, baseUrl, port } = await startHost({
      server: {
        async getServer({ serverId }) {
          running += 1;
          if (running === 20) entered.open();
          await release.opened;
          return create(ServerSchema, { id: serverId });
        },
      },
    });
    const client = createClient(ServerService, transport(baseUrl));
    const calls = Array.from({ length: 20 }, () => client.getServer({ serverId: SERVER_ID }, as('admin')));
    await entered.opened;
    const stopped = host.stop();
    await eventually(async () => expect(await isClosed(port)).toBe(true));
    const refused = await failure(createClient(ServerService, host.transport()).listServers({}, as('admin')));
    expect(reasonOf(refused)).toBe('UNAVAILABLE');
    release.open();
    expect((await Promise.all(calls)).map(({ id }) => id)).toEqual(Array.from({ length: 20 }, () => SERVER_ID));
    await stopped;
  });

  it('fails no call of a load that it interrupts, but by saying that it stops', async () => {
    const { host, baseUrl } = await startHost({
      server: {
        async getServer({ serverId }) {
          await setImmediate();
          return create(ServerSchema, { id: serverId });
        },
      },
    });
    const client = createClient(ServerService, createServiceTransport({ baseUrl }));
    const reasons = new Set<string>();
    let done = 0;
    const warm = gate();
    const caller = async (): Promise<void> => {
      for (;;) {
        try {
          await client.getServer({ serverId: SERVER_ID }, as('admin'));
          done += 1;
          if (done === 200) warm.open();
        } catch (error) {
          reasons.add(reasonOf(error) ?? String(error));
          return;
        }
      }
    };
    const callers = Promise.all(Array.from({ length: 16 }, caller));
    await warm.opened;
    await host.stop();
    await callers;
    expect([...reasons]).toEqual(['UNAVAILABLE']);
  });

  it('ends watchers at once, after telling those of the health', async () => {
    const { host, baseUrl } = await startHost({
      server: {
        async *watchHealth(_, { signal }) {
          yield {};
          await once(signal, 'abort');
        },
      },
    });
    const transport = createGrpcTransport({ baseUrl });
    const [watching, checking] = [gate(), gate()];
    const watch = async (): Promise<void> => {
      for await (const _message of createClient(ServerService, transport).watchHealth({}, as('admin'))) watching.open();
    };
    const statuses: Status[] = [];
    const check = async (): Promise<void> => {
      for await (const { status } of createClient(Health, transport).watch({ service: '' })) {
        statuses.push(status);
        checking.open();
      }
    };
    const ended = Promise.all([failure(watch()), check().catch(() => undefined)]);
    await Promise.all([watching.opened, checking.opened]);
    const started = performance.now();
    await host.stop(60_000);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect((await ended)[0].code).toBe(Code.Unavailable);
    expect(statuses).toEqual([Status.SERVING, Status.NOT_SERVING]);
  });

  it('aborts what has not ended within the grace', async () => {
    const entered = gate();
    const { host, baseUrl } = await startHost({
      server: {
        async getServer(_, { signal }) {
          entered.open();
          await once(signal, 'abort');
          throw signal.reason;
        },
      },
      record: {
        async *exportRecords(_, { signal }) {
          yield { records: [] };
          await once(signal, 'abort');
          throw signal.reason;
        },
      },
    });
    const transport = createGrpcTransport({ baseUrl });
    const call = failure(createClient(ServerService, transport).getServer({ serverId: SERVER_ID }, as('admin')));
    const first = gate();
    const stream = failure(
      (async () => {
        const records = createClient(RecordService, transport);
        for await (const _message of records.exportRecords({ databaseId: SERVER_ID }, as('admin'))) first.open();
      })(),
    );
    await Promise.all([entered.opened, first.opened]);
    await host.stop(50);
    expect(reasonOf(await call)).toBe('UNAVAILABLE');
    expect(reasonOf(await stream)).toBe('UNAVAILABLE');
  });

  it('closes idle connections of both versions', async () => {
    const { host, baseUrl, port } = await startHost();
    const session = connectHttp2(baseUrl);
    await once(session, 'connect');
    const idle = connect(port, '127.0.0.1');
    idle.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(idle, 'data');
    const silent = connect(port, '127.0.0.1');
    await once(silent, 'connect');
    const closed = Promise.all([once(session, 'close'), once(idle, 'close'), once(silent, 'close')]);
    idle.resume();
    silent.resume();
    const started = performance.now();
    await host.stop(60_000);
    await closed;
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
