import { type Call, ConnectorError, createRedactor, type ServerSettings, tlsOf } from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import { Client, type ClientConfig, Pool, type PoolClient, type QueryResult, type QueryResultRow } from 'pg';
import { pgvectorError } from './pgvector.errors.ts';
import type { PgvectorOptions } from './pgvector.options.ts';
import { VettedSocket } from './pgvector.socket.ts';
import { runSettled, type Settings, type Statement, settling } from './pgvector.statement.ts';

const IDLE_MS = 30_000;
/** To a connection that is ready for queries; a call's own deadline may end the wait earlier. */
const CONNECT_MS = 10_000;

/** Runs statements of one call on one connection. */
export interface Session {
  query<R extends QueryResultRow>(statement: Statement): Promise<R[]>;
  /** Rows affected. */
  execute(statement: Statement): Promise<number>;
}

type VettedClient = PoolClient & { readonly socket?: VettedSocket };

/** A pool of connections to one database. The server itself ends statements at the deadline of their call. */
export interface PgvectorDatabase {
  /** Each statement is a transaction of its own, with these settings. */
  session<T>(call: Call, settings: Settings, work: (session: Session) => Promise<T>): Promise<T>;
  /** All statements are one transaction. */
  transaction<T>(call: Call, work: (session: Session) => Promise<T>): Promise<T>;
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
  });
  // Of idle connections: the pool drops them, and the next call opens another.
  pool.on('error', () => {});

  async function withClient<T>(call: Call, work: (client: PoolClient) => Promise<T>): Promise<T> {
    let client: VettedClient | undefined;
    const onAbort = () => client?.socket?.destroy();
    call.signal.addEventListener('abort', onAbort, { once: true });
    try {
      client = await pool.connect();
      if (call.signal.aborted) throw call.signal.reason;
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      client?.release(isBroken(error, call));
      throw error instanceof ConnectorError ? error : pgvectorError(error, call, redact);
    } finally {
      call.signal.removeEventListener('abort', onAbort);
    }
  }

  return {
    session: (call, settings, work) =>
      withClient(call, (client) => {
        const run = (statement: Statement) =>
          runSettled(client, statement, { statement_timeout: call.remainingMs(), ...settings });
        return work(createSession(run));
      }),
    transaction: (call, work) => withClient(call, (client) => inTransaction(client, call, work)),

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

function createSession(run: (statement: Statement) => Promise<QueryResult>): Session {
  return {
    query: async (statement) => (await run(statement)).rows,
    execute: async (statement) => (await run(statement)).rowCount ?? 0,
  };
}

async function inTransaction<T>(client: PoolClient, call: Call, work: (session: Session) => Promise<T>): Promise<T> {
  await client.query(`BEGIN; ${settling({ statement_timeout: call.remainingMs() })}`);
  try {
    const result = await work(createSession(({ text, values = [] }) => client.query(text, [...values])));
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** After these a connection's state is not known. What this program itself found wrong leaves it as it was. */
function isBroken(error: unknown, call: Call): boolean {
  if (error instanceof ConnectorError) return call.signal.aborted;
  const { severity } = (error ?? {}) as { severity?: unknown };
  return call.signal.aborted || severity === undefined || severity === 'FATAL';
}
