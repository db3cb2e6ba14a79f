import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallOptions } from '@connectrpc/connect';
import { createClient, type Transport } from '@connectrpc/connect';
import { identityConfig } from '@morag/config';
import { reasonOf } from '@morag/errors';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { createLogger } from '@morag/telemetry';
import { createTestDatabase } from '@morag/testing';
import { buildIdentityService, generateSigningKeyPem, type IdentityInstance } from '../src/index.ts';
import { createOwningServices, type OwningServicesDouble } from './owning-services.ts';

/** An identity service on a database of its own, called in process through the interceptors of production. */
export interface Harness {
  readonly service: IdentityInstance;
  readonly transport: Transport;
  /** What it tells of deleted users. */
  readonly others: OwningServicesDouble;
  readonly administrator: { readonly email: string; readonly password: string };
  /** The environment it was started with; a second instance takes the same. */
  readonly env: Record<string, string>;
  /** Registers a user of its own and signs it in. */
  newUser(): Promise<{ email: string; password: string; userId: string; refreshToken: string; as: CallOptions }>;
  signIn(email: string, password: string): Promise<{ as: CallOptions; refreshToken: string; userId: string }>;
  close(): Promise<void>;
}

/** Starts one; `env` overrides what the tests set. */
export async function startIdentity(env: Record<string, string> = {}): Promise<Harness> {
  const database = await createTestDatabase('identity');
  const folder = mkdtempSync(join(tmpdir(), 'morag-identity-'));
  const keyFile = join(folder, 'jwt.pem');
  writeFileSync(keyFile, generateSigningKeyPem());
  const full = {
    MORAG_DATABASE_URL: database.url,
    MORAG_AUTO_MIGRATE: 'true',
    MORAG_MASTER_KEY: randomBytes(32).toString('base64'),
    MORAG_JWT_SIGNING_KEY_FILE: keyFile,
    ...env,
  };
  const administrator = { email: 'admin@example.org', password: randomUUID() };
  const logger = createLogger({ level: 'silent', service: 'identity' });
  const config = { ...identityConfig(full), listen: { host: '127.0.0.1', port: 0 } };
  const others = createOwningServices();
  const service = await buildIdentityService(config, { logger, administrator, clients: others });
  await service.start();
  const transport = service.transport();
  const auth = createClient(AuthService, transport);

  const signIn: Harness['signIn'] = async (email, password) => {
    const { accessToken, refreshToken, user } = await auth.login({ email, password });
    const as = { headers: { authorization: `Bearer ${accessToken}` } };
    return { as, refreshToken, userId: user?.id ?? '' };
  };
  return {
    service,
    transport,
    others,
    administrator,
    env: full,
    signIn,
    async newUser() {
      const email = `${randomUUID()}@example.org`;
      const password = randomUUID();
      await auth.register({ name: 'Somebody', email, password });
      return { email, password, ...(await signIn(email, password)) };
    },
    async close() {
      await service.stop();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** How a call ended: the reason that it was refused with, or `no error`. */
export async function reasonFor(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(
    () => 'no error',
    (error: unknown) => reasonOf(error),
  );
}
