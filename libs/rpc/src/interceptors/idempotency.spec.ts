import { create, type MessageShape } from '@bufbuild/protobuf';
import { createClient, createContextValues } from '@connectrpc/connect';
import { createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Principal, principalKey } from '@morag/auth';
import { DomainError, reasonOf } from '@morag/errors';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { Server_DatabaseType, ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { type CreateServerRequestSchema, ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { as, type HostFixture, runUnary, startHost } from '../../test/fixture.ts';
import { createServiceTransport } from '../client/service-transport.ts';
import { createMemoryIdempotencyStore } from '../idempotency-store.ts';
import { idempotency } from './idempotency.interceptor.ts';

let fixture: HostFixture;
let runs: number;
let behave: (request: MessageShape<typeof CreateServerRequestSchema>, signal: AbortSignal) => Promise<void>;

beforeEach(async () => {
  runs = 0;
  behave = async () => {};
  fixture = await startHost(
    {
      server: {
        async createServer(request, { signal }) {
          runs += 1;
          await behave(request, signal);
          return create(ServerSchema, { id: String(runs), name: request.server?.name });
        },
      },
    },
    { idempotency: createMemoryIdempotencyStore() },
  );
});
afterEach(() => fixture.host.stop());

const request = (name: string, requestId: string) => ({
  server: { name, type: Server_DatabaseType.CHROMA, host: 'localhost', port: 8000 },
  requestId,
});
const client = () => createClient(ServerService, fixture.host.transport());
const outcome = (call: Promise<{ id: string }>): Promise<string | undefined> =>
  call.then(
    ({ id }) => id,
    (error: unknown) => reasonOf(error),
  );

it('stores no answer that holds a secret', async () => {
  const store = createMemoryIdempotencyStore();
  const { createApiKey } = ApiKeyService.method;
  const contextValues = createContextValues().set(principalKey, { userId: 'u1' } as Principal);
  const message = create(createApiKey.input, { apiKey: { name: 'k' }, requestId: 'r' });
  let made = 0;
  const call = () =>
    runUnary(idempotency(store), createApiKey, () => create(createApiKey.output, { secret: String((made += 1)) }), {
      contextValues,
      message,
    });
  expect([(await call()).message, (await call()).message]).toMatchObject([{ secret: '1' }, { secret: '2' }]);
});

describe('a call with a request_id', () => {
  it.each([
    ['in process', () => fixture.host.transport()],
    ['over HTTP/1.1', () => createServiceTransport({ baseUrl: fixture.baseUrl })],
    ['over gRPC', () => createGrpcTransport({ baseUrl: fixture.baseUrl })],
    ['over gRPC-Web', () => createGrpcWebTransport({ baseUrl: fixture.baseUrl, httpVersion: '1.1' })],
  ])('runs once %s, and its repetition has the same answer', async (_, transport) => {
    const servers = createClient(ServerService, transport());
    let header = new Headers();
    const first = await servers.createServer(request('a', 'r'), as('admin'));
    const again = await servers.createServer(request('a', 'r'), { ...as('admin'), onHeader: (h) => (header = h) });
    expect(again).toEqual(first);
    expect(runs).toBe(1);
    expect(header.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('runs once for fifty at a time', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    behave = () => promise;
    const calls = Array.from({ length: 50 }, () => outcome(client().createServer(request('a', 'r'), as('admin'))));
    resolve();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['1']));
    expect(runs).toBe(1);
  });

  it('is refused for another request', async () => {
    await client().createServer(request('a', 'r'), as('admin'));
    expect(await outcome(client().createServer(request('b', 'r'), as('admin')))).toBe('REQUEST_ID_REUSED');
    expect(runs).toBe(1);
  });

  it('is another one for another caller', async () => {
    await client().createServer(request('a', 'r'), as('admin'));
    expect(await outcome(client().createServer(request('a', 'r'), as('other')))).toBe('2');
  });

  it('runs again after a failure', async () => {
    behave = () => Promise.reject(new DomainError('SERVER_EXISTS', 'Exists.'));
    expect(await outcome(client().createServer(request('a', 'r'), as('admin')))).toBe('SERVER_EXISTS');
    behave = async () => {};
    expect(await outcome(client().createServer(request('a', 'r'), as('admin')))).toBe('2');
  });

  it('is run by a repetition when the first caller left', async () => {
    const entered = Promise.withResolvers<void>();
    behave = (_, signal) => {
      entered.resolve();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const leave = new AbortController();
    const first = outcome(client().createServer(request('a', 'r'), { ...as('admin'), signal: leave.signal }));
    await entered.promise;
    const again = outcome(client().createServer(request('a', 'r'), as('admin')));
    behave = async () => {};
    leave.abort();
    await first;
    expect(await again).toBe('2');
  });

  it('without the id runs every time', async () => {
    await client().createServer(request('a', ''), as('admin'));
    await client().createServer(request('a', ''), as('admin'));
    expect(runs).toBe(2);
  });
});
