import { type AnyEntity, type DriverException, type EntityClass, type EntitySchema, MikroORM } from '@mikro-orm/core';
import { PostgreSqlDriver, type SqlEntityManager } from '@mikro-orm/postgresql';
import { DomainError, reasonOf } from '@morag/errors';
import type { Logger } from '@morag/telemetry';
import { CompiledQuery, type Kysely } from 'kysely';
import type pg from 'pg';
import { PoolDialect } from './dialect.ts';
import { translatePgError } from './pg-errors.ts';
import { type ConnectionOptions, openPool, type PoolBounds } from './pool.ts';
import { type RecordedChange, RecordedChanges } from './recorded-change.ts';

/** An entity, as class or as schema. */
export type Entity = EntityClass<AnyEntity> | EntitySchema;

/** A unit of work over one service's schema. */
export type Em = SqlEntityManager<PostgreSqlDriver>;

/** See createOrm. */
export interface OrmOptions extends ConnectionOptions {
  readonly entities: readonly Entity[];
  /** Absolute path of the folder with the service's migrations. */
  readonly migrationsFolder: string;
  readonly pool: PoolBounds;
  /** Logs each statement (without its parameters) at level debug. */
  readonly echo?: boolean;
  readonly logger?: Logger;
}

/** See Database.transaction. */
export interface WorkOptions<T = unknown> {
  /**
   * Keeps an abandoned call from starting, and from committing. A statement under way is not cut off, only bounded in
   * time: MikroORM's own cancellation writes to the console for each.
   */
  readonly signal?: AbortSignal;
  /** Whether what the work came to is the change that its call is on record for; it is unless told otherwise. */
  readonly isChange?: (result: T) => boolean;
}

/** One service's database: its pool and its unit of work. Errors of PostgreSQL leave it translated. */
export interface Database {
  readonly options: OrmOptions;
  readonly orm: MikroORM<PostgreSqlDriver>;
  /** A unit of work of its own; each call takes one. */
  fork(): Em;
  /** Plain rows, for reads: no entity is built. `$1` stands for the first parameter. */
  read<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  /** One statement that changes something beside what its caller asked for, committed by itself; answers what it returns. */
  write<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  /** The same for a statement that makes a change which may be on record: it commits the change's mark with it. */
  change<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]>;
  /** Runs `work` in a transaction: committed when it returns, rolled back when it throws. Never repeated by itself. */
  transaction<T>(work: (em: Em) => Promise<T>, options?: WorkOptions<T>): Promise<T>;
  /**
   * Runs a part of a call whose change is on record: each transaction and each `change` in it commits the change's mark with
   * it.
   */
  recorded<T>(change: RecordedChange, work: () => T): T;
  /** Whether PostgreSQL answers; an exhausted pool still counts as an answer. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

/** MikroORM's driver with our meaning of errors, so that every path through a unit of work has it. */
class TranslatingDriver extends PostgreSqlDriver {
  override convertException(exception: Error): DriverException {
    if (exception instanceof DomainError) return exception;
    // MikroORM only throws what it gets here; that the result need not be a DriverException is known to nobody else.
    return translatePgError(super.convertException(exception)) as DriverException;
  }
}

/** Opens a service's database. Connects when first used: a PostgreSQL that is away does not keep the service from starting. */
export async function createOrm(options: OrmOptions): Promise<Database> {
  const { logger, echo = false } = options;
  const pool = openPool(options, options.pool, logger);
  const orm = await MikroORM.init({
    driver: TranslatingDriver,
    clientUrl: options.url,
    schema: options.schema,
    entities: [...options.entities],
    driverOptions: new PoolDialect(pool),
    forceUtcTimezone: true,
    // A database is not this library's to create, nor worth asking for at each start.
    ensureDatabase: false,
    // The name `query` alone, without `query-params`: values may be secrets.
    debug: echo ? ['query'] : false,
    colors: false,
    logger: (message) => logger?.debug(message),
  });

  const fork = (): Em => orm.em.fork();
  const changes = new RecordedChanges();
  const run = async <Row extends object>(sql: string, params: readonly unknown[] = []): Promise<Row[]> => {
    if (echo) logger?.debug({ sql }, 'statement');
    try {
      return (await pool.query<Row & pg.QueryResultRow>(sql, params as unknown[])).rows;
    } catch (error) {
      throw translatePgError(error);
    }
  };
  return {
    options,
    orm,
    fork,
    read: run,
    write: run,
    change: (sql, params) => {
      const change = changes.open();
      return change ? changeMarked(pool, change, { sql, params }) : run(sql, params);
    },
    transaction: (work, workOptions = {}) => runTransaction(fork(), changes.open(), { work, ...workOptions }),
    recorded: (change, work) => changes.run(change, work),
    ping: () => answers(pool),
    async close() {
      await orm.close(true);
      // kysely ends the pool only when it has used it itself.
      if (!pool.ending) await pool.end();
    },
  };
}

/** Runs a statement in the transaction (or connection) of a unit of work. `$1` stands for the first parameter. */
export async function query<Row extends object>(em: Em, sql: string, params: readonly unknown[] = []): Promise<Row[]> {
  const executor = em.getTransactionContext<Kysely<unknown>>() ?? em.getKysely();
  try {
    return (await executor.executeQuery<Row>(CompiledQuery.raw(sql, [...params]))).rows;
  } catch (error) {
    throw translatePgError(error);
  }
}

async function runTransaction<T>(
  fork: Em,
  change: RecordedChange | undefined,
  { work, signal, isChange = () => true }: WorkOptions<T> & { readonly work: (em: Em) => Promise<T> },
): Promise<T> {
  signal?.throwIfAborted();
  let isMarked = false;
  try {
    const made = await fork.transactional(async (em) => {
      const result = await work(em);
      signal?.throwIfAborted();
      if (change && isChange(result)) {
        // The last lock taken, so that transactions of one call never wait for each other crosswise.
        await change.mark((sql, params) => query(em, sql, params));
        isMarked = true;
      }
      return result;
    });
    if (isMarked) change?.marked();
    return made;
  } catch (error) {
    signal?.throwIfAborted();
    throw translatePgError(error);
  }
}

/** One statement and, if it has changed something, the mark of the change that it is part of. */
async function changeMarked<Row extends object>(
  pool: pg.Pool,
  change: RecordedChange,
  { sql, params = [] }: { readonly sql: string; readonly params?: readonly unknown[] | undefined },
): Promise<Row[]> {
  let client: pg.PoolClient | undefined;
  try {
    client = await pool.connect();
    await client.query('begin');
    const { rows, rowCount } = await client.query<Row & pg.QueryResultRow>(sql, params as unknown[]);
    const hasChanged = (rowCount ?? 0) > 0;
    if (hasChanged) await change.mark((text, values) => client?.query(text, values as unknown[]) ?? Promise.resolve());
    await client.query('commit');
    if (hasChanged) change.marked();
    client.release();
    return rows;
  } catch (error) {
    // A connection that cannot roll back is of no more use.
    await client?.query('rollback').then(
      () => client?.release(),
      (broken: Error) => client?.release(broken),
    );
    throw translatePgError(error);
  }
}

async function answers(pool: pg.Pool): Promise<boolean> {
  try {
    await pool.query('select 1');
    return true;
  } catch (error) {
    return reasonOf(translatePgError(error)) === 'OVERLOADED';
  }
}
