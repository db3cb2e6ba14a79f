import { type Call, ConnectorError, createRedactor, type ServerSettings, tlsOf } from '@morag/connectors-core';
import type { Egress } from '@morag/egress';
import neo4j, { type AuthToken, type Driver, type QueryResult } from 'neo4j-driver';
import { neo4jError } from './neo4j.errors.ts';
import type { Neo4jOptions } from './neo4j.options.ts';
import { giveSockets, Use } from './neo4j.sockets.ts';

/** Never connected to: the sockets know where they go. */
const NOMINAL_URL = 'bolt://neo4j';

/** A statement with its parameters. Numbers are stored as floats; a count goes in as `integer` makes it. */
export interface Statement {
  readonly text: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

export interface Rows<R> {
  readonly rows: R[];
  /** The server as it calls itself: `Neo4j/5.26.30`. */
  readonly agent: string;
}

/** A pool of connections to one database. Every statement is a transaction of its own. */
export interface Neo4jDatabase {
  read<R extends object>(call: Call, statement: Statement): Promise<R[]>;
  write<R extends object>(call: Call, statement: Statement): Promise<R[]>;
  /** As `read`, with what the server says of itself. */
  ask<R extends object>(call: Call, statement: Statement): Promise<Rows<R>>;
  close(): Promise<void>;
}

/** A whole number, where Neo4j wants one; JavaScript's own become floats. */
export function integer(value: number) {
  return neo4j.int(value);
}

export function createNeo4jDatabase(settings: ServerSettings, options: Neo4jOptions, egress: Egress): Neo4jDatabase {
  const { host, port, database, password, apiKey } = settings;
  const redact = createRedactor([password, apiKey]);
  const tls = tlsOf(settings.tls, options);
  const driver = createDriver(settings, options);
  const sockets = giveSockets(driver, (signal) => egress.connect(host, port, { tls, signal }));
  let ended: Promise<void> | undefined;

  async function execute(call: Call, access: 'READ' | 'WRITE', statement: Statement): Promise<QueryResult> {
    const use = new Use(call);
    const onAbort = () => use.end(call.signal.reason);
    call.signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await sockets.during(use, async () => {
        const session = driver.session({ database, defaultAccessMode: access });
        try {
          // The server itself ends the transaction at the call's deadline.
          return await session.run(statement.text, { ...statement.values }, { timeout: neo4j.int(call.remainingMs()) });
        } finally {
          session.close().catch(() => undefined);
        }
      });
    } catch (error) {
      throw error instanceof ConnectorError ? error : neo4jError(use.refusal ?? error, call, redact);
    } finally {
      call.signal.removeEventListener('abort', onAbort);
    }
  }

  const rowsOf = <R extends object>({ records }: QueryResult) => records.map((record) => record.toObject() as R);

  return {
    read: async (call, statement) => rowsOf(await execute(call, 'READ', statement)),
    write: async (call, statement) => rowsOf(await execute(call, 'WRITE', statement)),
    async ask(call, statement) {
      const result = await execute(call, 'READ', statement);
      return { rows: rowsOf(result), agent: result.summary.server.agent ?? '' };
    },
    close() {
      ended ??= driver
        .close()
        .catch(() => undefined)
        .finally(() => sockets.destroy());
      return ended;
    },
  };
}

function createDriver(settings: ServerSettings, options: Neo4jOptions): Driver {
  return neo4j.driver(NOMINAL_URL, authOf(settings), {
    maxConnectionPoolSize: options.connections,
    connectionAcquisitionTimeout: options.timeoutMs,
    // Sockets come connected.
    connectionTimeout: 0,
    fetchSize: options.fetchSize,
    // Integers above 2^53 would otherwise come back as Infinity.
    useBigInt: true,
    // Repetitions are the calls' own business, with their own bounds.
    disableAutoCommitRetries: true,
    maxTransactionRetryTime: 0,
    telemetryDisabled: true,
    userAgent: 'morag',
    // Hints about queries, which nobody here reads.
    notificationFilter: { minimumSeverityLevel: 'OFF' },
  });
}

function authOf({ username, password, apiKey }: ServerSettings): AuthToken {
  if (apiKey) return neo4j.auth.bearer(apiKey);
  if (!username && !password) return { scheme: 'none', credentials: '' };
  return neo4j.auth.basic(username || 'neo4j', password ?? '');
}
