import {
  type Address,
  type CommonConfig,
  type DataService,
  type Defaults,
  readCommon,
  readPeers,
  readService,
  type ServiceConfig,
} from './parts.ts';
import { type Environment, type Reader, readConfig } from './reader.ts';
import type { ValueOf } from './variables.ts';

/** See identityConfig. */
export interface IdentityConfig extends ServiceConfig {
  /** Ed25519 private key, PKCS #8 in PEM. */
  readonly jwtSigningKeyFile: string;
  readonly accessTokenTtlSeconds: number;
  readonly sessionTtlHours: number;
  readonly registrationEnabled: boolean;
  /** 0: for ever. */
  readonly auditRetentionDays: number;
  readonly defaultRole: ValueOf<'MORAG_DEFAULT_USER_ROLE'>;
}

/** See serversConfig. */
export interface ServersConfig extends ServiceConfig {
  /** Networks that registered servers may stand in although they are private. */
  readonly egressAllow: readonly string[];
  /** How servers are watched. */
  readonly health: {
    readonly intervalMs: number;
    readonly timeoutMs: number;
    /** In a row, as `successes`. */
    readonly failures: number;
    readonly successes: number;
    readonly slowMs: number;
  };
  /** When a database changes its primary by itself. */
  readonly failover: { readonly isAutomatic: boolean; readonly graceMs: number };
  /** What one user may have; 0: no limit. */
  readonly quotas: { readonly servers: number; readonly databases: number; readonly records: number };
}

/** What embeds text; `local` needs nothing else. */
export type EmbedderConfig =
  | { readonly provider: 'local'; readonly modelDir: string | undefined }
  | {
      readonly provider: 'openai' | 'ollama';
      readonly url: string;
      readonly model: string;
      readonly dimension: number;
      readonly apiKey: string | undefined;
    };

/** See documentsConfig. */
export interface DocumentsConfig extends ServiceConfig {
  /** `file://` or `s3://`; undefined: a folder of `dataDir`. */
  readonly blobUrl: string | undefined;
  readonly dataDir: string;
  readonly uploadBytesMax: number;
  readonly embedder: EmbedderConfig;
  /** What one user may have; 0: no limit. */
  readonly quotas: { readonly documents: number; readonly bytes: number; readonly jobs: number };
}

/** See gatewayConfig. */
export interface GatewayConfig extends CommonConfig {
  readonly listen: Address;
  readonly peers: Readonly<Record<DataService, Address>>;
  readonly corsOrigins: readonly string[];
  readonly uploadBytesMax: number;
}

/** Loopback and private networks: where servers stand when everything runs on one machine. */
const LOCAL_NETWORKS = ['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'];

/** The configuration of the identity service. */
export function identityConfig(env: Environment, defaults: Defaults = {}): IdentityConfig {
  return readConfig(env, (reader) => ({
    ...readService(reader, 'identity', defaults),
    jwtSigningKeyFile: reader.required('MORAG_JWT_SIGNING_KEY_FILE'),
    accessTokenTtlSeconds: reader.required('MORAG_JWT_ACCESS_TTL_SECONDS'),
    sessionTtlHours: reader.required('MORAG_SESSION_TTL_HOURS'),
    auditRetentionDays: reader.required('MORAG_AUDIT_RETENTION_DAYS'),
    registrationEnabled: reader.required('MORAG_ENABLE_USER_REGISTRATION'),
    defaultRole: reader.required('MORAG_DEFAULT_USER_ROLE'),
  }));
}

/** The configuration of the servers service. */
export function serversConfig(env: Environment, defaults: Defaults = {}): ServersConfig {
  return readConfig(env, (reader) => ({
    ...readService(reader, 'servers', defaults),
    egressAllow: reader.optional('MORAG_EGRESS_ALLOW') ?? (defaults.embedded ? LOCAL_NETWORKS : []),
    health: {
      intervalMs: reader.required('MORAG_HEALTH_INTERVAL_SECONDS') * 1_000,
      timeoutMs: reader.required('MORAG_HEALTH_TIMEOUT_MS'),
      failures: reader.required('MORAG_HEALTH_FAILURES'),
      successes: reader.required('MORAG_HEALTH_SUCCESSES'),
      slowMs: reader.required('MORAG_HEALTH_SLOW_MS'),
    },
    failover: {
      isAutomatic: reader.required('MORAG_FAILOVER_AUTOMATIC'),
      graceMs: reader.required('MORAG_FAILOVER_GRACE_SECONDS') * 1_000,
    },
    quotas: {
      servers: reader.required('MORAG_QUOTA_SERVERS'),
      databases: reader.required('MORAG_QUOTA_DATABASES'),
      records: reader.required('MORAG_QUOTA_RECORDS'),
    },
  }));
}

/** The configuration of the documents service. */
export function documentsConfig(env: Environment, defaults: Defaults = {}): DocumentsConfig {
  return readConfig(env, (reader) => ({
    ...readService(reader, 'documents', defaults),
    blobUrl: reader.optional('MORAG_BLOB_URL'),
    dataDir: reader.required('MORAG_DATA_DIR'),
    uploadBytesMax: reader.required('MORAG_MAX_UPLOAD_BYTES'),
    embedder: readEmbedder(reader),
    quotas: {
      documents: reader.required('MORAG_QUOTA_DOCUMENTS'),
      bytes: reader.required('MORAG_QUOTA_BYTES'),
      jobs: reader.required('MORAG_QUOTA_JOBS'),
    },
  }));
}

/** The configuration of the gateway. */
export function gatewayConfig(env: Environment): GatewayConfig {
  return readConfig(env, (reader) => ({
    ...readCommon(reader),
    listen: { host: reader.required('MORAG_GATEWAY_HOST'), port: reader.required('MORAG_GATEWAY_PORT') },
    peers: readPeers(reader),
    corsOrigins: reader.required('MORAG_CORS_ORIGINS'),
    uploadBytesMax: reader.required('MORAG_MAX_UPLOAD_BYTES'),
  }));
}

const ENDPOINTS = { openai: 'https://api.openai.com/v1', ollama: 'http://127.0.0.1:11434' } as const;

function readEmbedder(reader: Reader): EmbedderConfig {
  const provider = reader.required('MORAG_EMBEDDER');
  if (provider === 'local') {
    return { provider: 'local', modelDir: reader.optional('MORAG_MODEL_DIR') };
  }
  const why = `MORAG_EMBEDDER is ${provider}`;
  return {
    provider,
    url: reader.optional('MORAG_EMBEDDER_URL') ?? ENDPOINTS[provider],
    model: reader.required('MORAG_EMBEDDER_MODEL', why),
    dimension: reader.required('MORAG_EMBEDDER_DIMENSION', why),
    apiKey: reader.optional('MORAG_EMBEDDER_API_KEY'),
  };
}
