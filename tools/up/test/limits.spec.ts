import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyIs, anyUnpack } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ErrorInfoSchema, type RetryInfo, RetryInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '@morag/gen/google/rpc/status_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import { newKey, newResources } from './resources.ts';

const USER_LIMIT = 50_000;

let all: AllServices;
let alice: Person;

beforeAll(async () => {
  all = await startAllServices({
    env: { MORAG_RATE_LIMIT_USER_PER_MINUTE: String(USER_LIMIT), MORAG_QUOTA_SERVERS: '2', MORAG_QUOTA_BYTES: '1000' },
  });
  alice = await all.newUser();
}, 120_000);
afterAll(() => all.stop());

async function rest(path: string, key: string, body?: object) {
  const response = await fetch(all.gateway + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const { status, headers } = response;
  return { status, headers, body: (await response.json()) as Record<string, unknown> };
}

/** As a program in another language calls the servers service. */
async function listServersOverGrpc(key: string) {
  const { input, output } = ServerService.method.listServers;
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  const client = new Client(`127.0.0.1:${all.ports.servers}`, credentials.createInsecure());
  const { promise: header, resolve: onHeader } = Promise.withResolvers<Metadata>();
  const error = await new Promise<ServiceError | null>((resolve) => {
    const call = client.makeUnaryRequest(
      '/morag.servers.v1.ServerService/ListServers',
      (message: ReturnType<typeof create<typeof input>>) => Buffer.from(toBinary(input, message)),
      (bytes: Buffer) => fromBinary(output, bytes),
      create(input),
      metadata,
      resolve,
    );
    call.on('metadata', onHeader);
  });
  client.close();
  return { error, header: error ? error.metadata : await header };
}

describe('a key with a limit of four calls a minute', () => {
  const permissions = ['servers:read', 'documents:read', 'keys:read'];
  const reads = ['/v1/servers', '/v1/documents', '/v1/api-keys', '/v1/servers/018f0000-0000-7000-8000-000000000000'];

  it('has them at all services together, each call once, and is told what is left', async () => {
    const { key } = await newKey(all, alice, { permissions, rateLimit: 4 });
    const left: (string | null)[] = [];
    for (const path of reads) left.push((await rest(path, key)).headers.get('ratelimit-remaining'));
    expect(left).toEqual(['3', '2', '1', '0']);
    const refused = await rest('/v1/documents', key);
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({
      type: 'urn:morag:error:RATE_LIMITED',
      code: 'resource_exhausted',
      detail: 'Too many calls; this key has 4 a minute.',
      metadata: { policy: 'key', limit: '4' },
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(15);
    expect(refused.headers.get('ratelimit-policy')).toBe('"key";q=4;w=60');
    expect(refused.headers.get('ratelimit')).toMatch(/^"key";r=0;t=\d+$/);
    expect(refused.headers.get('ratelimit-limit')).toBe('4');
    expect(Number(refused.headers.get('ratelimit-reset'))).toBeGreaterThan(40);
    expect((await rest('/v1/servers', alice.token)).status).toBe(200);
  });

  it('has them over gRPC too, and is told when to come back', async () => {
    const { key } = await newKey(all, alice, { permissions, rateLimit: 1 });
    const first = await listServersOverGrpc(key);
    expect(first.error).toBeNull();
    expect(String(first.header.get('ratelimit')[0])).toMatch(/^"key";r=0;t=\d+$/);
    const { error } = await listServersOverGrpc(key);
    expect(error?.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(error?.metadata.get('ratelimit-limit')).toEqual(['1']);
    const { details } = fromBinary(StatusSchema, error?.metadata.get('grpc-status-details-bin')[0] as Buffer);
    const [info, retry] = [ErrorInfoSchema, RetryInfoSchema].map((schema) => {
      const detail = details.find((any) => anyIs(any, schema));
      return detail && anyUnpack(detail, schema);
    });
    expect(info).toMatchObject({ reason: 'RATE_LIMITED', metadata: { policy: 'key', limit: '1' } });
    expect(Number((retry as RetryInfo).retryDelay?.seconds)).toBeGreaterThan(30);
  });
});

describe('quotas', () => {
  it('are told with what is used, to people', async () => {
    const bob = await all.newUser();
    await newResources(all, bob);
    const { quotas } = (await rest('/v1/quotas', bob.token)).body;
    expect(quotas).toEqual([
      { name: 'servers', limit: '2', used: '1' },
      { name: 'databases', limit: '0', used: '1' },
      { name: 'webhooks', limit: '20', used: '1' },
      { name: 'records', limit: '0', used: expect.stringMatching(/^[01]$/) },
      { name: 'documents', limit: '0', used: '1' },
      { name: 'bytes', limit: '1000', used: '27' },
      { name: 'jobs', limit: '0', used: expect.stringMatching(/^[01]$/) },
    ]);
    expect((await rest('/v1/quotas', (await newKey(all, bob)).key)).status).toBe(403);
  });

  it('that are used up are 429, and say which', async () => {
    const server = () => ({ name: crypto.randomUUID(), type: 'CHROMA', host: '127.0.0.1', port: 9 });
    await rest('/v1/servers', alice.token, server());
    await rest('/v1/servers', alice.token, server());
    const { status, body } = await rest('/v1/servers', alice.token, server());
    expect([status, body]).toMatchObject([
      429,
      { type: 'urn:morag:error:QUOTA_EXCEEDED', metadata: { quota: 'servers', limit: '2', used: '2' } },
    ]);
  });
});

describe('a stream', () => {
  it('says what is left with its first message', async () => {
    const stop = new AbortController();

    const headers = { authorization: `Bearer ${alice.token}` };
    const response = await fetch(`${all.gateway}/v1/servers:watchHealth`, { headers, signal: stop.signal });
    expect([response.status, response.headers.get('ratelimit-limit')]).toEqual([200, String(USER_LIMIT)]);
    stop.abort();
  });
});
