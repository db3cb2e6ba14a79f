import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import {
  createAccessTokens,
  createApiKeyVerifier,
  createLocalKeys,
  createServiceTokens,
  createTokenAuthenticator,
  remoteApiKeys,
  SYSTEM_USER_ID,
  serviceTokenSecret,
} from '@morag/auth';
import { loadRootKey } from '@morag/crypto';
import { Health } from '@morag/gen/grpc/health/v1/health_pb.ts';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { createServiceTransport } from '@morag/rpc';
import { type Installation, newInstallation } from '@morag/testing';
import { jwtVerify } from 'jose';
import pg from 'pg';
import { comparePaired } from './paired.ts';
import { type Line, numberLine, ratioLine } from './report.ts';

/** The goal speaks of a million. */
const KEYS = Number(process.env.MORAG_BENCH_KEYS || 10_000);
const BLOCK = { callers: 1, calls: 200, rounds: 7 };
/** A judgement takes a tenth of a millisecond: more than are judged while it is warmed up for a second, and then measured. */
const TOKENS = 20_000;
const peer = { address: '127.0.0.1' };

/** P3: judging an API key, remembered, asked of identity, and until a revoked one is refused; beside reading its row. */
export async function apiKeyBenchmark(): Promise<Line[]> {
  const installation = await newInstallation({ MORAG_PROCESSES: 'separate' });
  await installation.start();
  const password = encodeURIComponent(readFileSync(join(installation.folder, 'keys/postgres.password'), 'utf8'));
  const url = `postgresql://postgres:${password}@127.0.0.1:${installation.ports.postgres}/morag`;
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  const transport = createServiceTransport({ baseUrl: `http://127.0.0.1:${installation.ports.identity}` });
  try {
    const { id, key } = await makeKeys(installation, pool);
    const rootKey = await loadRootKey({ file: join(installation.folder, 'keys/master.key') });
    const tokens = createServiceTokens({ service: 'servers', secret: serviceTokenSecret(rootKey) });
    const token = await tokens.issue({
      audience: 'identity',
      ownerId: SYSTEM_USER_ID,
      permissions: [],
      ttlSeconds: 300,
    });
    const keys = createClient(ApiKeyService, transport);
    const health = createClient(Health, transport);
    const lookUp = remoteApiKeys(keys, tokens);
    const remembered = createApiKeyVerifier({ lookUp });
    const { signal } = new AbortController();
    const expectOwn = (found: string | undefined): void => {
      if (found !== id) throw new Error(`the answer is about ${found}`);
    };
    const row = async () => {
      const { rows } = await pool.query<{ id: string }>('select * from identity.api_keys where id = $1', [id]);
      expectOwn(rows[0]?.id);
    };
    const cached = async () => expectOwn((await remembered(key, peer, signal)).keyId);
    const rpc = async () => {
      const options = { headers: { authorization: `Bearer ${token}` } };
      expectOwn((await keys.verifyApiKey({ key, address: peer.address }, options)).apiKey?.id);
    };
    const empty = async () => void (await health.check({}));
    return [
      ratioLine('P3', 'key remembered / its row, p50', await comparePaired(cached, row, BLOCK), 0.25),
      ratioLine('P3', 'VerifyApiKey / an empty RPC, p50', await comparePaired(rpc, empty, BLOCK), 1.3),
      numberLine(
        'P3',
        `revoked until refused, ${KEYS} keys`,
        await untilRefused(installation, cached, id),
        1_000,
        'ms',
      ),
    ];
  } finally {
    await pool.end();
    transport.close();
    await installation.remove();
  }
}

async function makeKeys(installation: Installation, pool: pg.Pool): Promise<{ id: string; key: string }> {
  const { body } = await installation.call<{ apiKey: { id: string }; secret: string }>('POST', '/v1/api-keys', {
    name: 'benchmark',
    permissions: ['records:read'],
  });
  await pool.query(
    `insert into identity.api_keys (id, user_id, name, secret_hash, permissions, resources, cidrs, created_at, updated_at)
     select gen_random_uuid(), user_id, 'key ' || n, sha256(n::text::bytea), permissions, resources, cidrs, now(), now()
       from identity.api_keys, generate_series(1, $1) n where name = 'benchmark'`,
    [KEYS],
  );
  await pool.query('analyze identity.api_keys');
  return { id: body.apiKey.id, key: body.secret };
}

async function untilRefused(installation: Installation, check: () => Promise<void>, id: string): Promise<number> {
  await check();
  const begun = performance.now();
  await installation.call('POST', `/v1/api-keys/${id}:revoke`, {});
  for (;;) {
    const isRefused = await check().then(
      () => false,
      () => true,
    );
    if (isRefused) return performance.now() - begun;
  }
}

/** P4: judging an access token as the interceptor does, a new one and one seen before, beside bare jose. */
export async function accessTokenBenchmark(): Promise<Line[]> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const issuer = createAccessTokens({ privateKey, kid: 'k', ttlSeconds: 900 });
  const claims = { userId: SYSTEM_USER_ID, sessionId: SYSTEM_USER_ID, role: 'USER' } as const;
  const issued = await Promise.all(Array.from({ length: TOKENS }, () => issuer.issue(claims)));
  const authenticator = createTokenAuthenticator({
    service: 'bench',
    keys: createLocalKeys(() => [{ kty: 'OKP', crv: 'Ed25519', x, kid: 'k' }]),
    revocations: { isRevoked: () => false, isFresh: () => true },
    serviceSecret: new Uint8Array(32),
  });
  const { signal } = new AbortController();
  const judge = async (token: string): Promise<void> => {
    const { userId } = await authenticator.authenticate(token, peer, signal);
    if (userId !== claims.userId) throw new Error('the token is somebody else’s');
  };
  let next = 0;
  const fresh = (): Promise<void> => judge(issued[next++] ?? '');
  const again = (): Promise<void> => judge(issued[0] ?? '');
  let other = 0;
  const bare = async (): Promise<void> => {
    const { payload } = await jwtVerify(issued[other++ % issued.length] ?? '', publicKey, { algorithms: ['EdDSA'] });
    if (payload.sub !== claims.userId) throw new Error('the token is somebody else’s');
  };
  return [
    ratioLine('P4', 'new token / bare jose, p50', await comparePaired(fresh, bare, { ...BLOCK, warmUpMs: 1_000 }), 1.1),
    ratioLine('P4', 'token seen before / bare jose, p50', await comparePaired(again, bare, BLOCK), 0.1),
  ];
}
