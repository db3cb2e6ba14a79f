import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, createContextValues, type HandlerContext } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Principal, principalKey } from '@morag/auth';
import { DomainError, reasonOf, toProblem, violationsOf } from '@morag/errors';
import { ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { freePort } from '@morag/testing';
import { as, type HostFixture, SERVER_ID, startHost } from '../../test/fixture.ts';
import { requestIdKey } from '../call-context.ts';
import { callOptions } from './call-options.ts';
import { createServiceTransport, type ServiceTransport } from './service-transport.ts';

interface Seen {
  requestId: string;
  credential: string | undefined;
  timeoutMs: number | undefined;
}

let inner: HostFixture;
let outer: HostFixture;
let transport: ServiceTransport;
let seen: Seen[];

/** A service that answers with what it saw, and one in front of it that passes calls on. */
beforeAll(async () => {
  inner = await startHost({
    server: {
      async getServer({ serverId }, { values, timeoutMs, signal }) {
        seen.push({
          requestId: values.get(requestIdKey),
          credential: values.get(principalKey)?.credential,
          timeoutMs: timeoutMs(),
        });
        if (timeoutMs() !== undefined && Number(timeoutMs()) < 10_000) await once(signal, 'abort');
        return create(ServerSchema, { id: serverId });
      },
      deleteServer() {
        throw new DomainError('SERVER_IN_USE', 'It holds databases.', { metadata: { databases: 'a,b' } });
      },
    },
  });
  transport = createServiceTransport({ baseUrl: inner.baseUrl });
  const next = createClient(ServerService, transport);
  outer = await startHost({
    server: {
      getServer: (request, context) => next.getServer(request, callOptions(context)),
      deleteServer: (request, context) => next.deleteServer(request, callOptions(context)),
      updateServer: (_request, context) => next.getServer({ serverId: 'x' }, callOptions(context)),
    },
  });
});
afterAll(async () => {
  await outer.host.stop();
  transport.close();
  await inner.host.stop();
});

const client = () => createClient(ServerService, outer.host.transport());
const failure = (call: Promise<unknown>): Promise<ConnectError> =>
  call.then(
    () => Promise.reject(new Error('the call succeeded')),
    (error: unknown) => ConnectError.from(error),
  );

describe('a service that calls another', () => {
  it('passes on credential, request id and what is left of the deadline', async () => {
    seen = [];
    const { headers } = as('admin');
    await client().getServer(
      { serverId: SERVER_ID },
      { headers: { ...headers, 'x-request-id': 'chain' }, timeoutMs: 60_000 },
    );
    expect(seen).toEqual([{ requestId: 'chain', credential: 'admin', timeoutMs: expect.any(Number) }]);
    expect(seen[0]?.timeoutMs).toBeLessThanOrEqual(60_000);
    expect(seen[0]?.timeoutMs).toBeGreaterThan(30_000);
  });

  it('passes its deadline on, so that both end', async () => {
    seen = [];
    const error = await failure(client().getServer({ serverId: SERVER_ID }, { ...as('admin'), timeoutMs: 4_000 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(seen).toHaveLength(1);
  });

  it('relays an error with its reason, and logs it under the same request id', async () => {
    const headers = { ...as('admin').headers, 'x-request-id': 'relayed' };
    const error = await failure(client().deleteServer({ serverId: SERVER_ID }, { headers }));
    expect(toProblem(error, 'r')).toMatchObject({
      type: 'urn:morag:error:SERVER_IN_USE',
      detail: 'It holds databases.',
      metadata: { databases: 'a,b' },
    });
    for (const { lines } of [inner, outer]) {
      expect(lines).toContainEqual(expect.objectContaining({ requestId: 'relayed', reason: 'SERVER_IN_USE' }));
    }
  });

  it('relays violations', async () => {
    const error = await failure(client().updateServer({ serverId: SERVER_ID, server: {} }, as('admin')));
    expect(violationsOf(error)).toEqual([{ field: 'serverId', description: expect.any(String) }]);
  });
});

describe('a service that cannot be reached', () => {
  it('is UNAVAILABLE where nobody listens', async () => {
    const closed = createServiceTransport({ baseUrl: `http://127.0.0.1:${await freePort()}` });
    const error = await failure(createClient(ServerService, closed).listServers({}));
    expect(reasonOf(error)).toBe('UNAVAILABLE');
    expect(error.rawMessage).not.toContain('127.0.0.1');
  });

  it('is UNAVAILABLE when the connection breaks', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const broken = createServiceTransport({ baseUrl: `http://127.0.0.1:${port}` });
    expect(reasonOf(await failure(createClient(ServerService, broken).listServers({})))).toBe('UNAVAILABLE');
    server.close();
  });

  it('is over when the deadline is, where nobody answers', async () => {
    const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const silent = createServiceTransport({ baseUrl: `http://127.0.0.1:${port}`, deadlineMsDefault: 50 });
    const error = await failure(createClient(ServerService, silent).listServers({}));
    expect(error.code).toBe(Code.DeadlineExceeded);
    silent.close();
    server.close();
  });
});

describe('the service transport', () => {
  it('refuses a response over the limit', async () => {
    const small = createServiceTransport({ baseUrl: inner.baseUrl, messageBytesMax: 10 });
    seen = [];
    const error = await failure(createClient(ServerService, small).getServer({ serverId: SERVER_ID }, as('admin')));
    expect(error.code).toBe(Code.ResourceExhausted);
    small.close();
  });

  it('makes one call after the other over one connection', async () => {
    let connections = 0;
    const server = createHttpServer((req, res) => {
      req.resume().on('end', () => res.writeHead(200, { 'content-type': 'application/proto' }).end());
    });
    server.keepAliveTimeout = 60_000;
    server.on('connection', () => void (connections += 1)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const kept = createServiceTransport({ baseUrl: `http://127.0.0.1:${port}` });
    for (let i = 0; i < 20; i++) await createClient(ServerService, kept).listServers({});
    expect(connections).toBe(1);
    kept.close();
    server.close();
  });

  it('ends a call that is aborted', async () => {
    const leave = new AbortController();
    const client = createClient(ServerService, transport);
    const call = failure(
      client.getServer({ serverId: SERVER_ID }, { ...as('admin'), signal: leave.signal, timeoutMs: 150 }),
    );
    leave.abort();
    expect((await call).code).toBe(Code.Canceled);
  });
});

describe('callOptions', () => {
  const context = (timeoutMs: number | undefined, principal?: Partial<Principal>) => ({
    values: createContextValues()
      .set(requestIdKey, 'r')
      .set(principalKey, principal as Principal | undefined),
    signal: new AbortController().signal,
    timeoutMs: () => timeoutMs,
  });

  it('never asks for no deadline where there is one', () => {
    expect(callOptions(context(0)).timeoutMs).toBe(1);
    expect(callOptions(context(-5)).timeoutMs).toBe(1);
    expect(callOptions(context(undefined) satisfies Partial<HandlerContext>).timeoutMs).toBeUndefined();
  });

  it('forwards nobody where nobody called', () => {
    const { headers } = callOptions(context(1));
    expect([...new Headers(headers)]).toEqual([
      ['x-forwarded-for', '127.0.0.1'],
      ['x-request-id', 'r'],
    ]);
  });
});
