import { boolean, cidrs, host, integer, type Kind, oneOf, origins, path, port, text, url } from './kinds.ts';

/** One environment variable. */
export interface Variable<T> {
  readonly kind: Kind<T>;
  /** The value without one; a variable without a default may be unset. */
  readonly default?: T;
  /** The text of a secret appears in no message. URLs count: they can hold passwords. */
  readonly secret?: boolean;
  /** One sentence, for `.env.example`. */
  readonly description: string;
}

/** The programs that listen, and where they do unless told otherwise. */
const LISTENERS = {
  GATEWAY: ['the gateway', 8080],
  IDENTITY: ['the identity service', 7001],
  SERVERS: ['the servers service', 7002],
  DOCUMENTS: ['the documents service', 7003],
  MEMORY: ['the memory service', 7004],
  POSTGRES: ['the embedded PostgreSQL', 7432],
  CHROMA: ['the embedded Chroma', 7800],
} as const;

/** What an owner may have; nothing is counted for a quota of 0. */
const QUOTAS = {
  SERVERS: 'Servers',
  DATABASES: 'Databases',
  RECORDS: 'Records, in all databases together,',
  DOCUMENTS: 'Documents',
  BYTES: 'Bytes, of all versions of all documents,',
  JOBS: 'Jobs that have not ended',
} as const;

type Listener = keyof typeof LISTENERS;
type OwnDatabase = 'IDENTITY' | 'SERVERS' | 'DOCUMENTS' | 'MEMORY';

const postgresUrl = url('postgresql', 'postgres');

/** Every variable that the programs read, but for those of tests and conformance runs (PATTERNS). */
export const VARIABLES = {
  MORAG_DATABASE_URL: variable(postgresUrl, {
    secret: true,
    description: 'PostgreSQL for all services, as a user who may create roles and schemas; `npm start` brings its own.',
  }),
  ...ownDatabases(),
  MORAG_DATABASE_POOL_SIZE: variable(integer(1, 1000), {
    default: 5,
    description: 'Connections that a service keeps to PostgreSQL.',
  }),
  MORAG_DATABASE_MAX_OVERFLOW: variable(integer(0, 1000), {
    default: 10,
    description: 'Connections beyond the pool size that a service may open under load.',
  }),
  MORAG_DATABASE_ECHO: variable(boolean, { default: false, description: 'Logs every SQL statement.' }),
  MORAG_AUTO_MIGRATE: variable(boolean, {
    description: 'Migrates the schema when a service starts: true under `npm start`, else false.',
  }),
  MORAG_MASTER_KEY: variable(text, {
    secret: true,
    description:
      '32 random bytes in base64 (openssl rand -base64 32), or as AWS KMS wraps them (morag keys generate): the root of all secrets.',
  }),
  MORAG_MASTER_KEY_FILE: variable(path, { description: 'A file that holds the master key, instead of the key.' }),
  MORAG_JWT_SIGNING_KEY_FILE: variable(path, {
    description:
      'Ed25519 private keys (PKCS #8, PEM) of access tokens: the first signs, all verify; `npm start` makes one.',
  }),
  MORAG_JWT_ACCESS_TTL_SECONDS: variable(integer(60, 86_400), {
    default: 900,
    description: 'How long an access token is valid.',
  }),
  MORAG_SESSION_TTL_HOURS: variable(integer(1, 8_760), {
    default: 24,
    description: 'How long a session lives after its last refresh.',
  }),
  MORAG_ENABLE_USER_REGISTRATION: variable(boolean, {
    default: true,
    description: 'Lets anyone create an account.',
  }),
  MORAG_DEFAULT_USER_ROLE: variable(oneOf('USER', 'VIEWER', 'ADMIN'), {
    default: 'USER',
    description: 'Role of a new account.',
  }),
  MORAG_AUDIT_RETENTION_DAYS: variable(integer(0, 36_500), {
    default: 365,
    description: 'How long audit events are kept; 0 for ever.',
  }),
  MORAG_RATE_LIMIT_USER_PER_MINUTE: variable(integer(0, 100_000_000), {
    default: 60_000,
    description: 'Calls a minute of one user, with all keys; as many at once. 0 for no limit.',
  }),
  MORAG_RATE_LIMIT_KEY_PER_MINUTE: variable(integer(0, 100_000_000), {
    default: 0,
    description: "Calls a minute of an API key that has no limit of its own; 0 for no limit but its owner's.",
  }),
  MORAG_RATE_LIMIT_ADDRESS_PER_MINUTE: variable(integer(0, 100_000_000), {
    default: 6_000,
    description: 'Calls a minute from one address without a good credential (log-ins, guesses); 0 for no limit.',
  }),
  ...quotas(),
  MORAG_TRUSTED_PROXIES: variable(cidrs, {
    description: 'Networks of the gateway: services believe it when it names a client; loopback if unset.',
  }),
  MORAG_TLS_CERT_FILE: variable(path, {
    description:
      'Certificate (PEM, with its chain) of the gateway and the services: they speak TLS, also to each other.',
  }),
  MORAG_TLS_KEY_FILE: variable(path, { description: 'Private key (PEM) of the certificate.' }),
  MORAG_TLS_CA_FILE: variable(path, {
    description: 'Roots (PEM) by which services know each other; those of Node.js if unset.',
  }),
  MORAG_TLS_CLIENT_CA_FILE: variable(path, {
    description: 'Roots (PEM) of the certificates that services demand of their callers; none is demanded if unset.',
  }),
  MORAG_EGRESS_ALLOW: variable(cidrs, {
    description: 'Private and loopback networks in which registered servers may stand.',
  }),
  MORAG_HEALTH_INTERVAL_SECONDS: variable(integer(1, 3_600), {
    default: 10,
    description: 'How often each registered server is looked at.',
  }),
  MORAG_HEALTH_TIMEOUT_MS: variable(integer(100, 60_000), {
    default: 2_000,
    description: 'A server that does not answer a look within this time has failed it.',
  }),
  MORAG_HEALTH_FAILURES: variable(integer(1, 100), {
    default: 3,
    description: 'Failed looks in a row that make a server UNHEALTHY.',
  }),
  MORAG_HEALTH_SUCCESSES: variable(integer(1, 100), {
    default: 2,
    description: 'Answered looks in a row that bring it back.',
  }),
  MORAG_HEALTH_SLOW_MS: variable(integer(1, 60_000), {
    default: 1_000,
    description: 'A server that answers later than this again and again is DEGRADED.',
  }),
  MORAG_FAILOVER_AUTOMATIC: variable(boolean, {
    default: true,
    description: 'Lets a database whose primary is down go on with a replica by itself.',
  }),
  MORAG_FAILOVER_GRACE_SECONDS: variable(integer(0, 3_600), {
    default: 2,
    description: 'How long the server of a primary has to be down before that.',
  }),
  MORAG_BLOB_URL: variable(url('file', 's3'), {
    secret: true,
    description: 'Where uploaded files are kept; a folder of the data directory if unset.',
  }),
  MORAG_MAX_UPLOAD_BYTES: variable(integer(1, 10_737_418_240), {
    default: 104_857_600,
    description: 'Largest file that can be uploaded.',
  }),
  MORAG_EMBEDDER: variable(oneOf('local', 'openai', 'ollama'), {
    default: 'local',
    description: 'What turns text into vectors: the built-in model, an OpenAI-compatible endpoint, or Ollama.',
  }),
  MORAG_EMBEDDER_URL: variable(url('http', 'https'), {
    secret: true,
    description: 'Base URL of the endpoint; https://api.openai.com/v1 or http://127.0.0.1:11434 if unset.',
  }),
  MORAG_EMBEDDER_MODEL: variable(text, { description: 'Name of the model at the endpoint.' }),
  MORAG_EMBEDDER_API_KEY: variable(text, { secret: true, description: 'Key for the endpoint.' }),
  MORAG_EMBEDDER_DIMENSION: variable(integer(1, 65_536), { description: 'Length of the vectors of that model.' }),
  MORAG_MODEL_DIR: variable(path, { description: 'A folder with another ONNX model for the local embedder.' }),
  MORAG_CORS_ORIGINS: variable(origins, { default: [], description: 'Web origins that may call the gateway.' }),
  MORAG_LOG_LEVEL: variable(oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'), {
    default: 'info',
    description: 'Least important log lines that are written.',
  }),
  MORAG_OTLP_ENDPOINT: variable(url('http', 'https'), {
    secret: true,
    description: 'OpenTelemetry collector that traces are sent to; none if unset.',
  }),
  MORAG_PROCESSES: variable(oneOf('one', 'separate'), {
    default: 'one',
    description: 'Whether `npm start` runs all services in one process or each in its own.',
  }),
  MORAG_DATA_DIR: variable(path, { default: './.morag', description: 'Where `npm start` keeps its data.' }),
  ...listeners(),
  MORAG_SERVERS_DIR: variable(path, {
    description: 'Where `npm run servers` keeps what it downloads; ~/.cache/morag-servers if unset.',
  }),
  MORAG_EVAL_DIR: variable(path, { description: 'Folder with retrieval collections (Cranfield) for the tests.' }),
} as const;

/** Names of a family too large to list: read by tests and conformance runs, never by a service. */
export const PATTERNS: readonly RegExp[] = [/^MORAG_(CONFORMANCE|TEST|BENCH)_[A-Z_]+$/, /^MORAG_BREAKING_AGAINST$/];

/** The name of a variable. */
export type VariableName = keyof typeof VARIABLES;

/** What a variable holds when it is set or has a default. */
export type ValueOf<K extends VariableName> = (typeof VARIABLES)[K] extends Variable<infer T> ? T : never;

function variable<T>(kind: Kind<T>, rest: Omit<Variable<NoInfer<T>>, 'kind'>): Variable<T> {
  return { kind, ...rest };
}

function quotas(): Record<`MORAG_QUOTA_${keyof typeof QUOTAS}`, Variable<number>> {
  const entries = Object.entries(QUOTAS).map(([name, what]) => [
    `MORAG_QUOTA_${name}`,
    variable(integer(0, Number.MAX_SAFE_INTEGER), {
      default: 0,
      description: `${what} that one user may have; 0 for no limit.`,
    }),
  ]);
  return Object.fromEntries(entries);
}

function ownDatabases(): Record<`MORAG_${OwnDatabase}_DATABASE_URL`, Variable<string>> {
  const of = (service: OwnDatabase): Variable<string> =>
    variable(postgresUrl, {
      secret: true,
      description: `PostgreSQL of ${LISTENERS[service][0]} alone, used with the user it names.`,
    });
  return {
    MORAG_IDENTITY_DATABASE_URL: of('IDENTITY'),
    MORAG_SERVERS_DATABASE_URL: of('SERVERS'),
    MORAG_DOCUMENTS_DATABASE_URL: of('DOCUMENTS'),
    MORAG_MEMORY_DATABASE_URL: of('MEMORY'),
  };
}

function listeners(): Record<`MORAG_${Listener}_HOST`, Variable<string>> &
  Record<`MORAG_${Listener}_PORT`, Variable<number>> {
  const entries = Object.entries(LISTENERS).flatMap(([name, [what, number]]) => [
    [
      `MORAG_${name}_HOST`,
      variable(host, { default: '127.0.0.1', description: `Where ${what} listens and is found by the others.` }),
    ],
    [`MORAG_${name}_PORT`, variable(port, { default: number, description: `Port of ${what}.` })],
  ]);
  return Object.fromEntries(entries);
}
