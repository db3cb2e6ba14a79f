import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { type Call, ConnectorError, createRedactor, type ServerSettings, tlsOf } from '@morag/connectors-core';
import { AnswerRefused, type Egress } from '@morag/egress';
import neo4j, { type AuthToken, type Driver, type QueryResult } from 'neo4j-driver';
import { useSockets } from './neo4j.channel.ts';
import { neo4jError } from './neo4j.errors.ts';
import type { Neo4jOptions } from './neo4j.options.ts';

/** Never connected to: the sockets know where they go. */
const NOMINAL_URL = 'bolt://neo4j';
/** Of one statement's answer, as of an HTTP vendor's. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

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

/** One statement under way, and the socket that it goes over. */
class Use {
  readonly call: Call;
  /** Why this program itself gave the server up: the driver reports any such end as a lost connection. */
  refusal: AnswerRefused | undefined;
  #socket: Socket | undefined;
  #bytesBefore = 0;

  constructor(call: Call) {
    this.call = call;
  }

  take(socket: Socket): void {
    this.#socket = socket;
    this.#bytesBefore = socket.bytesRead;
    if (this.call.signal.aborted) this.end(this.call.signal.reason);
  }

  /** What the driver waits for on this socket fails. Nothing else would end a wait for a server that is frozen. */
  end(reason: Error): void {
    this.#socket?.destroy(reason);
  }

  checkSize(): void {
    if ((this.#socket?.bytesRead ?? 0) - this.#bytesBefore <= ANSWER_BYTES_MAX) return;
    this.refusal = new AnswerRefused('ANSWER_TOO_LARGE', 'The answer is larger than the limit.');
    this.end(this.refusal);
  }
}

/** A whole number, where Neo4j wants one; JavaScript's own become floats. */
export function integer(value: number) {
  return neo4j.int(value);
}

export function createNeo4jDatabase(settings: ServerSettings, options: Neo4jOptions, egress: Egress): Neo4jDatabase {
  const { host, port, database, password, apiKey } = settings;
  const redact = createRedactor([password, apiKey]);
  const tls = tlsOf(settings.tls, options);
  const uses = new AsyncLocalStorage<Use>();
  const sockets = new Set<Socket>();
  // A socket's own events come in the context of the statement that it was opened for, not of the one under way.
  const owners = new WeakMap<Socket, Use>();
  const assign = (socket: Socket, use = uses.getStore()) => {
    if (!use) return;
    owners.set(socket, use);
    use.take(socket);
  };
  let ended: Promise<void> | undefined;

  const driver = createDriver(settings, options);
  useSockets(driver, {
    async open() {
      const socket = await egress.connect(host, port, { tls, signal: uses.getStore()?.call.signal });
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('data', () => owners.get(socket)?.checkSize());
      assign(socket);
      return socket;
    },
    onAcquired: (socket) => assign(socket),
  });

  async function execute(call: Call, access: 'READ' | 'WRITE', statement: Statement): Promise<QueryResult> {
    const use = new Use(call);
    const onAbort = () => use.end(call.signal.reason);
    call.signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await uses.run(use, async () => {
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
        .finally(() => {
          for (const socket of sockets) socket.destroy();
        });
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
