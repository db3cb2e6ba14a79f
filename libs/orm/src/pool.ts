import type { Socket } from 'node:net';
import type { Logger } from '@morag/telemetry';
import pg from 'pg';

/** How many connections a service holds. */
export interface PoolBounds {
  /** Kept open once opened. */
  readonly size: number;
  /** Opened beyond that under load, closed when idle. */
  readonly overflow: number;
}

/** What a connection of a service is made with. */
export interface ConnectionOptions {
  readonly url: string;
  /** The service's schema, first in the search path. */
  readonly schema: string;
  /** Shown by PostgreSQL as `application_name`. */
  readonly service: string;
}

const POOL_WAIT_MS_MAX = 5_000;
const IDLE_MS = 30_000;
const STATEMENT_MS_MAX = 30_000;
/** Longer than any statement may take: a server that has not answered by then is gone, whatever TCP believes. */
const SILENCE_MS_MAX = 40_000;

const INT8 = 20;
const DATE = 1082;

/**
 * How columns become values, in entities and plain rows alike: `timestamptz` a Date (milliseconds), `bigint` a BigInt,
 * `date` its text, the rest as pg does. MikroORM alone would leave timestamps as text.
 */
export const COLUMN_TYPES = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
    if (oid === INT8) return BigInt;
    if (oid === DATE) return (text) => text;
    return pg.types.getTypeParser(oid, format);
  },
};

/** Options of a single connection, for work outside the pool (migrations, LISTEN). */
export function clientOptions({ url, schema, service }: ConnectionOptions): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: `morag-${service}`,
    options: `-c search_path=${schema},public -c timezone=UTC`,
    connectionTimeoutMillis: POOL_WAIT_MS_MAX,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

/** Opens a service's pool. Waiting for a connection is bounded, and so is each statement. */
export function openPool(
  connection: ConnectionOptions,
  bounds: PoolBounds,
  logger?: Logger,
  silenceMsMax: number = SILENCE_MS_MAX,
): pg.Pool {
  const pool = new pg.Pool({
    ...clientOptions(connection),
    min: bounds.size,
    max: bounds.size + bounds.overflow,
    idleTimeoutMillis: IDLE_MS,
    statement_timeout: STATEMENT_MS_MAX,
    idle_in_transaction_session_timeout: STATEMENT_MS_MAX,
    types: COLUMN_TYPES,
  });
  // An `error` without a listener would end the process, and PostgreSQL may cut any connection, in use or idle. The pool
  // discards it; a statement in progress fails by itself.
  const lost = (error: Error): void => logger?.warn({ err: error }, 'connection to PostgreSQL lost');
  pool.on('connect', (client) => {
    client.on('error', lost);
    endWhenSilent(client, silenceMsMax);
  });
  pool.on('error', () => {});
  return pool;
}

/**
 * Ends a connection on which a question stays unanswered. PostgreSQL bounds a statement, but a network that swallows
 * everything would hold the connection, and its place in the pool, for as long as TCP repeats itself: a quarter of an hour.
 */
function endWhenSilent(client: pg.PoolClient, silenceMsMax: number): void {
  // pg's types leave out the member; it is the socket under the protocol, with or without TLS.
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  let writtenWhenLastRead = stream.bytesWritten;
  stream.on('data', () => {
    writtenWhenLastRead = stream.bytesWritten;
  });
  stream.setTimeout(silenceMsMax, () => {
    const isIdle = stream.bytesWritten === writtenWhenLastRead;
    if (!isIdle) stream.destroy(Object.assign(new Error('PostgreSQL does not answer'), { code: 'ETIMEDOUT' }));
  });
}

/** Opens a connection outside the pool; one that breaks while idle is logged and not thrown at the process. */
export async function connectClient(connection: ConnectionOptions, logger?: Logger): Promise<pg.Client> {
  const client = new pg.Client(clientOptions(connection));
  client.on('error', (error) => logger?.warn({ err: error }, 'connection to PostgreSQL lost'));
  await client.connect();
  return client;
}
