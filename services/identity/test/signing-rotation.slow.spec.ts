import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type Transport } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createAccessTokens, serviceTokenSecret } from '@morag/auth';
import { identityConfig } from '@morag/config';
import { loadRootKey } from '@morag/crypto';
import { reasonOf } from '@morag/errors';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { createOfflineAuthentication, type OfflineAuthentication } from '@morag/rpc';
import { createLogger } from '@morag/telemetry';
import { eventually } from '@morag/testing';
import { buildIdentityService, type IdentityInstance, rotateSigningKey } from '../src/index.ts';
import { readSigningKeys } from '../src/modules/token/signing-file.ts';
import { type Harness, startIdentity } from './harness.ts';

const TTL_SECONDS = 12;
/** As `morag keys rotate-signing` waits on one machine. */
const SETTLE_MS = 8_000;
/** Before its end a token is not used any more: the call takes a while, and other tests may have the cores. */
const MARGIN_MS = 6_000;
const PEER = { address: '127.0.0.1' };

const logger = createLogger({ level: 'silent', service: 'identity' });
let harness: Harness;
let instances: IdentityInstance[];
/** Each follows another instance of identity, as two services do. */
let services: OfflineAuthentication[];
let transports: readonly Transport[];

beforeAll(async () => {
  harness = await startIdentity({ MORAG_RATE_LIMIT_ADDRESS_PER_MINUTE: '0', MORAG_RATE_LIMIT_USER_PER_MINUTE: '0' });
  instances = [await newInstance(), await newInstance()];
  transports = instances.map((instance) => instance.transport());
  const serviceSecret = serviceTokenSecret(await loadRootKey({ key: harness.env.MORAG_MASTER_KEY }));
  const { rateLimits } = identityConfig(harness.env);
  services = transports.map((identity) =>
    createOfflineAuthentication({ service: 'servers', identity, serviceSecret, rateLimits, logger }),
  );
  await Promise.all(services.map((service) => service.start()));
}, 60_000);

afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await Promise.all(instances.map((instance) => instance.stop()));
  await harness.close();
});

async function newInstance(): Promise<IdentityInstance> {
  const config = {
    ...identityConfig(harness.env),
    listen: { host: '127.0.0.1', port: 0 },
    accessTokenTtlSeconds: TTL_SECONDS,
  };
  const instance = await buildIdentityService(config, { logger, clients: harness.others });
  await instance.start();
  return instance;
}

/** Uses the token at both instances of identity and at both services. */
async function useEverywhere(token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  for (const transport of transports) await createClient(AuthService, transport).listSessions({}, { headers });
  for (const { authenticator } of services) await authenticator.authenticate(token, PEER, AbortSignal.timeout(5_000));
}

async function refusalsOf(token: string): Promise<unknown[]> {
  const headers = { authorization: `Bearer ${token}` };
  const calls = [
    ...transports.map((transport) => createClient(AuthService, transport).listSessions({}, { headers })),
    ...services.map(({ authenticator }) => authenticator.authenticate(token, PEER, AbortSignal.timeout(5_000))),
  ];
  return Promise.all(calls.map((call) => call.then(() => 'accepted', reasonOf)));
}

const kidOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;

it('replaces the signing key under load: no call is refused, and what the old key signs later is', async () => {
  const { MORAG_JWT_SIGNING_KEY_FILE: file = '' } = harness.env;
  const [old] = readSigningKeys(readFileSync(file, 'utf8'));
  const { email, password, userId } = await harness.newUser();
  const kids = new Set<string>();
  const issued: { token: string; untilMs: number }[] = [];
  let isOver = false;
  const load = async (through: Transport): Promise<number> => {
    const auth = createClient(AuthService, through);
    let { refreshToken } = await auth.login({ email, password });
    let rounds = 0;
    for (; !isOver; rounds++) {
      const next = await auth.refresh({ refreshToken });
      ({ refreshToken } = next);
      kids.add(kidOf(next.accessToken));
      await useEverywhere(next.accessToken);
      issued.push({ token: next.accessToken, untilMs: Date.now() + TTL_SECONDS * 1_000 - MARGIN_MS });
      while (Date.now() > (issued[0]?.untilMs ?? Number.POSITIVE_INFINITY)) issued.shift();
      // The oldest that is still good: after the switch for a while one of the old key.
      if (issued[0]) await useEverywhere(issued[0].token);
    }
    return rounds;
  };
  const running = Promise.all(transports.map(load));
  await rotateSigningKey({
    file,
    ttlMs: TTL_SECONDS * 1_000,
    settleMs: SETTLE_MS,
    wait: (ms) => delay(ms),
    report: () => {},
  }).finally(() => {
    isOver = true;
  });
  for (const rounds of await running) expect(rounds).toBeGreaterThan(10);

  const [current, ...others] = readSigningKeys(readFileSync(file, 'utf8'));
  expect(others).toEqual([]);
  expect(kids).toEqual(new Set([old.publicJwk.kid, current.publicJwk.kid]));

  // Whoever has a copy of the old key can sign with it, and is believed no more.
  const forger = createAccessTokens({ privateKey: old.privateKey, kid: old.publicJwk.kid, ttlSeconds: 900 });
  const forged = await forger.issue({ userId, sessionId: crypto.randomUUID(), role: 'ADMIN' });
  await eventually(
    async () => {
      // Known keys are asked for anew every half minute, when they are used.
      const { accessToken } = await createClient(AuthService, transports[0] as Transport).login({ email, password });
      await useEverywhere(accessToken);
      expect(await refusalsOf(forged)).toEqual(Array(4).fill('UNAUTHENTICATED'));
    },
    { timeoutMs: 60_000 },
  );
}, 180_000);
