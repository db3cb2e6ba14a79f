import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Principal } from '@morag/auth';
import { DomainError } from '@morag/errors';
import type { RecordApiKeyUsageRequest } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { createLogger } from '@morag/telemetry';
import { eventually } from '@morag/testing';
import { type ApiKeyUsage, createApiKeyUsage } from './api-key-usage.ts';

const key = (keyId?: string): Principal => ({
  kind: keyId ? 'api_key' : 'user',
  userId: 'u1',
  role: 'USER',
  permissions: new Set(),
  credential: 'c',
  ...(keyId && { keyId }),
});

let batches: RecordApiKeyUsageRequest[];
let failures: number;
let usage: ApiKeyUsage;

beforeEach(() => {
  [batches, failures] = [[], 0];
  usage = createApiKeyUsage({
    flushMs: 5,
    logger: createLogger({ level: 'silent', service: 'test' }),
    async send(batch) {
      batches.push(batch);
      if (failures-- > 0) throw new Error('away');
    },
  });
});
afterEach(() => usage.stop());

function count(keyId?: string, error?: unknown): void {
  const { getServer: method } = ServerService.method;
  usage.count({ method, principal: key(keyId), requestId: 'r', address: '192.0.2.1', ms: 1, error });
}

describe('the usage of keys', () => {
  it('is counted by outcome, and only for keys', async () => {
    for (let n = 0; n < 5; n += 1) count('k1');
    count('k1', new DomainError('SERVER_NOT_FOUND', 'x'));
    count();
    usage.start();
    await usage.stop();
    expect(batches).toHaveLength(1);
    expect(batches[0]?.counts.map(({ apiKeyId, outcome, calls }) => [apiKeyId, outcome, calls])).toEqual([
      ['k1', 'OK', 5n],
      ['k1', 'NOT_FOUND', 1n],
    ]);
    expect(batches[0]?.counts[0]).toMatchObject({
      method: 'morag.servers.v1.ServerService/GetServer',
      lastUseAddress: '192.0.2.1',
    });
  });

  it('is sent again under the same id until it is taken, and nothing is added to it', async () => {
    failures = 2;
    count('k1');
    usage.start();
    await eventually(() => expect(batches.length).toBeGreaterThan(0));
    count('k1');
    await eventually(() => expect(batches.length).toBeGreaterThan(3));
    const ids = batches.map(({ batchId }) => batchId);
    expect([ids[1], ids[2]]).toEqual([ids[0], ids[0]]);
    expect(ids[3]).not.toBe(ids[0]);
    expect(batches.map(({ counts }) => counts[0]?.calls).slice(0, 4)).toEqual([1n, 1n, 1n, 1n]);
  });

  it('goes in batches that the contract takes', async () => {
    for (let n = 0; n < 2_500; n += 1) count(`k${n}`);
    await usage.stop();
    expect(batches.map(({ counts }) => counts.length)).toEqual([1_000, 1_000, 500]);
  });
});
