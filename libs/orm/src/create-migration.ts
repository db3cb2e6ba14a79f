import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MikroORM } from '@mikro-orm/core';
import { MigrationGenerator, Migrator } from '@mikro-orm/migrations';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import type { Entity } from './database.ts';
import { listMigrations } from './migration-files.ts';

/** What a service's migrations follow from: exported by each service as `schema`. */
export interface SchemaDefinition {
  readonly schema: string;
  readonly entities: readonly Entity[];
  /** Absolute. */
  readonly migrationsFolder: string;
}

/** Lies beside the migrations: the schema after the last of them. */
const SNAPSHOT = '.snapshot';

/**
 * Writes the migration that leads from the snapshot to the entities as they are now, and moves the snapshot on. Needs no
 * database. Returns the file's path, or undefined when there is nothing to do.
 */
export async function createMigration(definition: SchemaDefinition, name: string): Promise<string | undefined> {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`${name}: a migration's name is in snake_case`);
  mkdirSync(definition.migrationsFolder, { recursive: true });
  ensureSnapshot(definition);
  await untilNameIsFree(definition.migrationsFolder);
  return withMigrator(definition, async (migrator) => {
    const { fileName } = await migrator.create(definition.migrationsFolder, false, false, name);
    return fileName === '' ? undefined : join(definition.migrationsFolder, fileName);
  });
}

/** Whether the entities have changed since the last migration was written. Needs no database. */
export async function migrationIsMissing(definition: SchemaDefinition): Promise<boolean> {
  if (!existsSync(snapshotPath(definition))) return definition.entities.length > 0;
  return withMigrator(definition, (migrator) => migrator.checkSchema());
}

async function withMigrator<T>(definition: SchemaDefinition, work: (migrator: Migrator) => Promise<T>): Promise<T> {
  const { schema, entities, migrationsFolder } = definition;
  const orm = await MikroORM.init({
    driver: PostgreSqlDriver,
    dbName: 'offline',
    schema,
    entities: [...entities],
    extensions: [Migrator],
    logger: () => {},
    migrations: {
      path: migrationsFolder,
      snapshotName: SNAPSHOT,
      // Otherwise the snapshot would be rewritten from a database that holds other services' schemas too.
      snapshotOnMigrate: false,
      emit: 'ts',
      generator: PlainGenerator,
      fileName: (timestamp, name) => `Migration${timestamp}_${name}`,
    },
  });
  try {
    return await work(new Migrator(orm.em));
  } finally {
    await orm.close(true);
  }
}

/** A migration file as we write it: forward only, for what was applied is never taken back but amended. */
class PlainGenerator extends MigrationGenerator {
  generateMigrationFile(className: string, diff: { up: string[] }): string {
    // The schema is there before any migration runs: the role that runs them could not make it.
    const statements = diff.up.filter((sql) => sql !== '' && !sql.startsWith('create schema '));
    return [
      "import { Migration } from '@mikro-orm/migrations';\n\n",
      `export class ${className} extends Migration {\n`,
      '  override up(): void {\n',
      ...statements.map((sql) => this.createStatement(sql, 4)),
      '  }\n}\n',
    ].join('');
  }
}

function snapshotPath({ migrationsFolder }: SchemaDefinition): string {
  return join(migrationsFolder, `${SNAPSHOT}.json`);
}

/** With a snapshot of an empty schema MikroORM writes the first migration like any other, without asking a database. */
function ensureSnapshot(definition: SchemaDefinition): void {
  const path = snapshotPath(definition);
  const empty = { namespaces: [definition.schema], name: definition.schema, tables: [], nativeEnums: {} };
  if (!existsSync(path)) writeFileSync(path, JSON.stringify(empty, null, 2));
}

/** Names have a resolution of one second, and a second file of a name would replace the first. */
async function untilNameIsFree(folder: string): Promise<void> {
  const taken = new Set(
    (await listMigrations(folder)).map(({ name }) => name.slice('Migration'.length, 'Migration'.length + 14)),
  );
  while (taken.has(new Date().toISOString().replace(/\D/g, '').slice(0, 14))) await sleep(50);
}
