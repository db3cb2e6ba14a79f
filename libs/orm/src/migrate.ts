import type { Logger } from '@morag/telemetry';
import pg from 'pg';
import type { Database } from './database.ts';
import { listMigrations, type MigrationFile, statementsOf } from './migration-files.ts';
import { connectClient } from './pool.ts';

/** The migrations and the database do not fit together. Its text is for the operator. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** Remembers what was applied; lies in the service's own schema. */
const TABLE = 'schema_migrations';
const UNDEFINED_TABLE = '42P01';

/** Another instance that migrates is waited for, but not for ever. */
const LOCK_WAIT_MS = 120_000;

/**
 * Brings the service's schema up to date: each pending migration in a transaction of its own, under a lock that lets one
 * instance work while the others wait. Verifies first that nothing applied was changed since. Returns what was applied.
 */
export async function migrate(db: Database, { logger }: { logger?: Logger } = {}): Promise<string[]> {
  const { schema, migrationsFolder } = db.options;
  const files = await listMigrations(migrationsFolder);
  const client = await connectClient(db.options, logger);
  try {
    // The lock belongs to the connection and goes with it, whatever happens.
    await client.query(`set lock_timeout = ${LOCK_WAIT_MS}`);
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [`morag/migrate/${schema}`]);
    await client.query(`create table if not exists ${tableOf(schema)}
      (name text primary key, checksum text not null, applied_at timestamptz not null default now())`);
    const pending = pendingOf(files, await readApplied(client, schema));
    for (const file of pending) {
      await apply(client, db, file);
      logger?.info({ migration: file.name, schema }, 'migration applied');
    }
    return pending.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

/** Names of the migrations that are still to be applied. Verifies the applied ones too. */
export async function pendingMigrations(db: Database): Promise<string[]> {
  const files = await listMigrations(db.options.migrationsFolder);
  const client = await connectClient(db.options);
  try {
    return pendingOf(files, await readApplied(client, db.options.schema)).map(({ name }) => name);
  } finally {
    await client.end();
  }
}

async function apply(client: pg.Client, db: Database, file: MigrationFile): Promise<void> {
  const statements = await statementsOf(file, [db.orm.driver, db.orm.config]);
  await client.query('begin');
  try {
    for (const statement of statements) await client.query(statement);
    await client.query(`insert into ${tableOf(db.options.schema)} (name, checksum) values ($1, $2)`, [
      file.name,
      file.checksum,
    ]);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback');
    throw new MigrationError(`${file.name} failed and was rolled back: ${(cause as Error).message}`, { cause });
  }
}

async function readApplied(client: pg.Client, schema: string): Promise<ReadonlyMap<string, string>> {
  try {
    const { rows } = await client.query<{ name: string; checksum: string }>(
      `select name, checksum from ${tableOf(schema)}`,
    );
    return new Map(rows.map(({ name, checksum }) => [name, checksum]));
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === UNDEFINED_TABLE) return new Map();
    throw error;
  }
}

/**
 * Applied migrations that this version does not know are fine: a newer one runs beside it. One whose file has changed is
 * not: then nobody can say what the schema is.
 */
function pendingOf(files: readonly MigrationFile[], applied: ReadonlyMap<string, string>): MigrationFile[] {
  const changed = files.filter(({ name, checksum }) => (applied.get(name) ?? checksum) !== checksum);
  if (changed.length > 0) {
    const names = changed.map(({ name }) => name).join(', ');
    throw new MigrationError(
      `changed after it was applied: ${names}. Restore the file and add a new migration instead.`,
    );
  }
  return files.filter(({ name }) => !applied.has(name));
}

function tableOf(schema: string): string {
  return `${pg.escapeIdentifier(schema)}.${TABLE}`;
}
