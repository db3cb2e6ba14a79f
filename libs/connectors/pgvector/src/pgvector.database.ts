import { type Call, ConnectorError, createRedactor, type ServerSettings, tlsOf } from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { Client, type ClientConfig, Pool, type PoolClient, type QueryResultRow } from 'pg';
import { pgvectorError } from './pgvector.errors.ts';
import type { PgvectorOptions } from './pgvector.options.ts';
import { VettedSocket } from './pgvector.socket.ts';

const IDLE_MS = 30_000;
/** To a connection that is ready for queries; a call's own deadline may end the wait earlier. */
const CONNECT_MS = 10_000;
/** Of a COMMIT after reading, for which no call waits any more. */
const END_MS = 5_000;

/** A statement with its parameters. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** Runs statements of one call on one connection. */
export interface Session {
  query<R extends QueryResultRow>(statement: Statement): Promise<R[]>;
  /** Rows affected. */
  execute(statement: Statement): Promise<number>;
}

export interface TransactionOptions {
  readonly readOnly: boolean;
  /** Settings of this transaction alone: connections may be shared through a pooler, where session settings would leak. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

type VettedClient = PoolClient & { readonly socket?: VettedSocket };

/** A pool of connections to one database. */
export interface PgvectorDatabase {
  /** One transaction. The server itself ends statements at the call's deadline. */
  transaction<T>(call: Call, options: TransactionOptions, work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function createPgvectorDatabase(
  settings: ServerSettings,
  options: PgvectorOptions,
  egress: Egress,
): PgvectorDatabase {
  const { host, port, username, password, database } = settings;
  const redact = createRedactor([password, settings.apiKey]);
  const tls = tlsOf(settings.tls, options);
  const sockets = new Set<VettedSocket>();
  let ended: Promise<void> | undefined;

  const pool = new Pool({
    Client: vettedClient(() => new VettedSocket(egress, host, port), password, sockets),
    // The socket knows where to connect; what stands here is the name in the certificate.
    host: options.tlsServerName ?? host,
    port,
    user: username || 'postgres',
    database: database || 'postgres',
    ssl: tls && { ca: tls.ca, rejectUnauthorized: tls.rejectUnauthorized },
    max: options.connections,
    idleTimeoutMillis: IDLE_MS,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'morag',
    keepAlive: true,
    pipeline: true,
  });
  // Of idle connections: the pool drops them, and the next call opens another.
  pool.on('error', () => {});

  return {
    async transaction(call, transactionOptions, work) {
      let client: VettedClient | undefined;
      const onAbort = () => client?.socket?.destroy();
      call.signal.addEventListener('abort', onAbort, { once: true });
      try {
        client = await pool.connect();
        if (call.signal.aborted) throw call.signal.reason;
        const { result, committed } = await inTransaction(client, call, transactionOptions, work);
        if (transactionOptions.readOnly) {
          releaseAfter(committed, client);
          return result;
        }
        await committed;
        client.release();
        return result;
      } catch (error) {
        client?.release(isBroken(error, call));
        throw error instanceof ConnectorError ? error : pgvectorError(error, call, redact);
      } finally {
        call.signal.removeEventListener('abort', onAbort);
      }
    },

    close() {
      ended ??= pool.end();
      for (const socket of sockets) {
        // Not before the farewell is sent; one that is not connected yet has none.
        if (socket.connecting) socket.destroy();
        else socket.destroySoon();
      }
      return ended;
    },
  };
}

/** The driver's client on a socket of the egress module; `sockets` holds those that are open. */
function vettedClient(open: () => VettedSocket, password: string | undefined, sockets: Set<VettedSocket>) {
  return class extends Client {
    readonly socket: VettedSocket;

    constructor(config?: ClientConfig) {
      const socket = open();
      // The pool hides the password from copies of its options.
      super({ ...config, password: password ?? '', stream: () => socket });
      this.socket = socket;
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      // The query under way reports it too.
      this.on('error', () => {});
    }
  };
}

async function inTransaction<T>(
  client: PoolClient,
  call: Call,
  { readOnly, settings = {} }: TransactionOptions,
  work: (session: Session) => Promise<T>,
): Promise<{ readonly result: T; readonly committed: Promise<unknown> }> {
  const local = Object.entries({ statement_timeout: call.remainingMs(), ...settings });
  // One statement for all of them, which is less work for the server than a SET LOCAL each.
  const settled = local.map(([name, value]) => `set_config('${name}', '${value}', true)`).join(', ');
  // Not awaited: the statements of a call go out together, which saves a round trip each.
  const begun = client.query(`${readOnly ? 'BEGIN READ ONLY' : 'BEGIN'}; SELECT ${settled}`);
  const session: Session = {
    query: async <R extends QueryResultRow>({ text, values = [] }: Statement) =>
      (await client.query<R>(text, [...values])).rows,
    execute: async ({ text, values = [] }) => (await client.query(text, [...values])).rowCount ?? 0,
  };
  try {
    const worked = work(session);
    const [, result] = await Promise.all([begun, worked]);
    return { result, committed: client.query('COMMIT') };
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** What was read is right already: nobody waits for the end of reading, which costs a round trip. */
function releaseAfter(committed: Promise<unknown>, client: VettedClient): void {
  const timer = setTimeout(() => client.socket?.destroy(), END_MS).unref();
  committed
    .then(
      () => client.release(),
      (error: Error) => client.release(error),
    )
    .finally(() => clearTimeout(timer));
}

/** After these a connection's state is not known. What this program itself found wrong leaves it as it was. */
function isBroken(error: unknown, call: Call): boolean {
  if (error instanceof ConnectorError) return call.signal.aborted;
  const { severity } = (error ?? {}) as { severity?: unknown };
  return call.signal.aborted || severity === undefined || severity === 'FATAL';
}
