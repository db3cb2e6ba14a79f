import { type DatabaseConnection, PostgresDialect, PostgresDriver, type TransactionSettings } from 'kysely';
import type pg from 'pg';

/**
 * kysely 0.29 never gives a connection back to the pool when `begin` or `rollback` fails on it, and they fail whenever
 * PostgreSQL cut the connection: each such loss would cost a place in the pool until none is left.
 */
class ReleasingDriver extends PostgresDriver {
  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    try {
      await super.beginTransaction(connection, settings);
    } catch (error) {
      await this.releaseConnection(connection as Parameters<PostgresDriver['releaseConnection']>[0]);
      throw error;
    }
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // It fails only on a connection that is gone, and with it the transaction; the pool discards it on release.
    await super.rollbackTransaction(connection).catch(() => {});
  }
}

/** PostgreSQL over a pool that we own. */
export class PoolDialect extends PostgresDialect {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    super({ pool });
    this.#pool = pool;
  }

  override createDriver(): PostgresDriver {
    return new ReleasingDriver({ pool: this.#pool });
  }
}
