import type { Reader } from './reader.ts';
import type { ValueOf } from './variables.ts';

/** Services with a schema of their own. */
export type DataService = 'identity' | 'servers' | 'documents' | 'memory';

/** Where a program listens, or is found. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where a service listens, and whom it believes there. */
export interface Listen extends Address {
  /** Networks of the gateway and of proxies, believed when they name the client; absent: loopback. */
  readonly trustedProxies?: readonly string[];
}

/** Where certificates are, PEM. */
export interface TlsConfig {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile?: string;
  readonly clientCaFile?: string;
}

/** What every program reads. */
export interface CommonConfig {
  readonly logLevel: ValueOf<'MORAG_LOG_LEVEL'>;
  readonly otlpEndpoint: string | undefined;
  /** Undefined: clear text. */
  readonly tls: TlsConfig | undefined;
}

/** How a service reaches PostgreSQL. */
export interface DatabaseConfig {
  readonly url: string;
  /**
   * Whether the URL is the service's alone and used as it is. Otherwise it is the common one: the service's schema and
   * role are made through it, and then the role is used.
   */
  readonly dedicated: boolean;
  readonly pool: { readonly size: number; readonly overflow: number };
  readonly echo: boolean;
  readonly autoMigrate: boolean;
}

/** The root secret, by value or by file; exactly one is set. */
export interface MasterKeyConfig {
  readonly key: string | undefined;
  readonly file: string | undefined;
}

/** What every service reads that keeps data. */
export interface ServiceConfig extends CommonConfig {
  readonly listen: Listen;
  /** Where the other services are found. */
  readonly peers: Readonly<Record<DataService, Address>>;
  readonly database: DatabaseConfig;
  readonly masterKey: MasterKeyConfig;
  readonly rateLimits: RateLimitConfig;
}

/** Calls a minute; 0: no limit. */
export interface RateLimitConfig {
  readonly userPerMinute: number;
  readonly keyPerMinute: number;
  readonly addressPerMinute: number;
}

/** What depends on how a program was started. */
export interface Defaults {
  /** Whether PostgreSQL belongs to this installation: then schemas migrate themselves. */
  readonly embedded?: boolean;
}

/** Reads what every program needs. */
export function readCommon(reader: Reader): CommonConfig {
  return {
    logLevel: reader.required('MORAG_LOG_LEVEL'),
    otlpEndpoint: reader.optional('MORAG_OTLP_ENDPOINT'),
    tls: readTls(reader),
  };
}

function readTls(reader: Reader): TlsConfig | undefined {
  const certFile = reader.optional('MORAG_TLS_CERT_FILE');
  const keyFile = reader.optional('MORAG_TLS_KEY_FILE');
  const caFile = reader.optional('MORAG_TLS_CA_FILE');
  const clientCaFile = reader.optional('MORAG_TLS_CLIENT_CA_FILE');
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile, caFile, clientCaFile };
  if ([certFile, keyFile, caFile, clientCaFile].some((file) => file !== undefined)) {
    reader.problem('TLS needs both MORAG_TLS_CERT_FILE and MORAG_TLS_KEY_FILE');
  }
  return undefined;
}

/** Reads where the services are. */
export function readPeers(reader: Reader): Record<DataService, Address> {
  return {
    identity: { host: reader.required('MORAG_IDENTITY_HOST'), port: reader.required('MORAG_IDENTITY_PORT') },
    servers: { host: reader.required('MORAG_SERVERS_HOST'), port: reader.required('MORAG_SERVERS_PORT') },
    documents: { host: reader.required('MORAG_DOCUMENTS_HOST'), port: reader.required('MORAG_DOCUMENTS_PORT') },
    memory: { host: reader.required('MORAG_MEMORY_HOST'), port: reader.required('MORAG_MEMORY_PORT') },
  };
}

/** Reads what every service needs that keeps data. */
export function readService(reader: Reader, service: DataService, defaults: Defaults): ServiceConfig {
  const peers = readPeers(reader);
  const trustedProxies = reader.optional('MORAG_TRUSTED_PROXIES');
  return {
    ...readCommon(reader),
    listen: { ...peers[service], ...(trustedProxies && { trustedProxies }) },
    peers,
    database: readDatabase(reader, service, defaults),
    masterKey: readMasterKey(reader),
    rateLimits: {
      userPerMinute: reader.required('MORAG_RATE_LIMIT_USER_PER_MINUTE'),
      keyPerMinute: reader.required('MORAG_RATE_LIMIT_KEY_PER_MINUTE'),
      addressPerMinute: reader.required('MORAG_RATE_LIMIT_ADDRESS_PER_MINUTE'),
    },
  };
}

/** Reads and checks the root secret's source. */
export function readMasterKey(reader: Reader): MasterKeyConfig {
  const key = reader.optional('MORAG_MASTER_KEY');
  const file = reader.optional('MORAG_MASTER_KEY_FILE');
  if (key !== undefined && file !== undefined) {
    reader.problem('MORAG_MASTER_KEY and MORAG_MASTER_KEY_FILE are both set; one is enough');
  }
  if (key === undefined && file === undefined) {
    reader.problem('MORAG_MASTER_KEY or MORAG_MASTER_KEY_FILE is missing');
  }
  return { key, file };
}

function readDatabase(reader: Reader, service: DataService, { embedded = false }: Defaults): DatabaseConfig {
  const own = `MORAG_${service.toUpperCase() as Uppercase<DataService>}_DATABASE_URL` as const;
  const dedicated = reader.optional(own);
  return {
    url: dedicated ?? reader.required('MORAG_DATABASE_URL', `or set ${own}`),
    dedicated: dedicated !== undefined,
    pool: {
      size: reader.required('MORAG_DATABASE_POOL_SIZE'),
      overflow: reader.required('MORAG_DATABASE_MAX_OVERFLOW'),
    },
    echo: reader.required('MORAG_DATABASE_ECHO'),
    autoMigrate: reader.optional('MORAG_AUTO_MIGRATE') ?? embedded,
  };
}
