import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DescMessage, type DescMethod, type MessageShape } from '@bufbuild/protobuf';
import { type CallOptions, createClient } from '@connectrpc/connect';
import { createAccessTokens, createServiceTokens, SYSTEM_USER_ID, serviceTokenSecret } from '@morag/auth';
import { loadRootKey } from '@morag/crypto';
import { type EmbeddedChroma, freePort, startEmbeddedChroma } from '@morag/embedded';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { User_UserRole } from '@morag/gen/morag/identity/v1/user_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { generateSigningKeyPem } from '@morag/identity';
import { createLogSink, createTestDatabase, type LogSink } from '@morag/testing';
import { type OneProcess, startInOneProcess } from '../src/one-process.ts';
import { callRpc, type Outcome } from './call-rpc.ts';
import type { ServiceName } from './contracts.ts';

/** Somebody who is signed in. */
export interface Person {
  readonly userId: string;
  readonly email: string;
  readonly password: string;
  readonly token: string;
  readonly as: CallOptions;
}

/** All services and the gateway in this process, on a database of their own. */
export interface AllServices {
  readonly transports: OneProcess['transports'];
  /** `http://127.0.0.1:<port>`. */
  readonly gateway: string;
  readonly ports: OneProcess['ports'];
  /** A real vector server beside them; for those who asked for one. */
  readonly chroma: EmbeddedChroma;
  readonly logs: LogSink;
  readonly administrator: Person;
  newUser(role?: keyof typeof User_UserRole): Promise<Person>;
  /** A token of somebody's that has expired. */
  expiredToken(person: Person): Promise<string>;
  /** A token by which another service calls this one. */
  serviceToken(audience: ServiceName): Promise<string>;
  /** Calls any method by its descriptor. */
  call(
    service: ServiceName,
    method: DescMethod,
    message: MessageShape<DescMessage>,
    credential?: string,
  ): Promise<Outcome>;
  stop(): Promise<void>;
}

/** See startAllServices. */
export interface AllServicesOptions {
  /** Overrides what the tests set. */
  readonly env?: Record<string, string>;
  /** Of a PostgreSQL database; a new one on the run's PostgreSQL unless given. */
  readonly databaseUrl?: string;
}

/** Starts them, with an embedded Chroma. */
export async function startAllServices({ env = {}, databaseUrl }: AllServicesOptions = {}): Promise<AllServices> {
  const folder = mkdtempSync(join(tmpdir(), 'morag-all-'));
  const database = databaseUrl === undefined ? await createTestDatabase('all') : undefined;
  const chroma = await startEmbeddedChroma({ folder: join(folder, 'chroma'), port: await freePort() });
  const keyFile = join(folder, 'jwt.pem');
  writeFileSync(keyFile, generateSigningKeyPem());
  const masterKey = randomBytes(32).toString('base64');
  const administrator = { email: 'admin@example.org', password: randomUUID() };
  const logs = createLogSink();
  const variables = {
    ...FREE_PORTS,
    MORAG_DATABASE_URL: databaseUrl ?? database?.url ?? '',
    MORAG_AUTO_MIGRATE: 'true',
    MORAG_MASTER_KEY: masterKey,
    MORAG_JWT_SIGNING_KEY_FILE: keyFile,
    MORAG_EGRESS_ALLOW: '127.0.0.0/8',
    MORAG_DATA_DIR: folder,
    MORAG_LOG_LEVEL: 'warn',
    ...env,
  };
  const system = await startInOneProcess(variables, administrator, logs);
  const { transports, ports } = system;
  const people = createPeople(system, administrator);
  return {
    transports,
    ports,
    chroma,
    logs,
    gateway: `http://127.0.0.1:${ports.gateway}`,
    administrator: await people.signIn(administrator.email, administrator.password),
    newUser: people.newUser,
    expiredToken: (person) => expiredToken(system, keyFile, person),
    async serviceToken(audience) {
      const secret = serviceTokenSecret(await loadRootKey({ key: masterKey }));
      const tokens = createServiceTokens({ service: audience === 'servers' ? 'documents' : 'servers', secret });
      return tokens.issue({ audience, ownerId: SYSTEM_USER_ID, permissions: [], ttlSeconds: 300 });
    },
    call: (service, method, message, credential) => callRpc(transports[service], method, message, credential),
    async stop() {
      await system.stop();
      await chroma.stop();
      await database?.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const FREE_PORTS = {
  MORAG_GATEWAY_PORT: '0',
  MORAG_IDENTITY_PORT: '0',
  MORAG_SERVERS_PORT: '0',
  MORAG_DOCUMENTS_PORT: '0',
};

function createPeople({ transports }: OneProcess, administrator: { email: string; password: string }) {
  const auth = createClient(AuthService, transports.identity);
  const users = createClient(UserService, transports.identity);
  const signIn = async (email: string, password: string): Promise<Person> => {
    const { accessToken: token, user } = await auth.login({ email, password });
    return { userId: user?.id ?? '', email, password, token, as: { headers: { authorization: `Bearer ${token}` } } };
  };
  return {
    signIn,
    async newUser(role: keyof typeof User_UserRole = 'USER'): Promise<Person> {
      const { as } = await signIn(administrator.email, administrator.password);
      const email = `${randomUUID()}@example.org`;
      const password = randomUUID();
      await users.createUser({ user: { name: 'Somebody', email, password, role: User_UserRole[role] } }, as);
      return signIn(email, password);
    },
  };
}

/** Right in every way but its time; signed with the installation's own key. */
async function expiredToken({ transports }: OneProcess, keyFile: string, { userId }: Person): Promise<string> {
  const { keys } = await createClient(AuthService, transports.identity).getJwks({});
  const privateKey = createPrivateKey(readFileSync(keyFile));
  const now = (): number => Date.now() - 3_600_000;
  const tokens = createAccessTokens({ privateKey, kid: keys[0]?.kid ?? '', ttlSeconds: 60, now });
  return tokens.issue({ userId, sessionId: randomUUID(), role: 'USER' });
}
