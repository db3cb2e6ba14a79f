import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/postgresql';
import { createTestDatabase } from '@morag/testing';
import { baseColumns } from './columns.ts';
import { createMigration, migrationIsMissing } from './create-migration.ts';
import { createOrm, type Database, type Entity } from './database.ts';
import { migrate, pendingMigrations } from './migrate.ts';
import { Note } from './testing/note.entity.ts';

let test: Awaited<ReturnType<typeof createTestDatabase>>;
let folder: string;
const open: Database[] = [];

beforeEach(async () => {
  test = await createTestDatabase();
  // Inside this library, so that a migration finds the packages that it imports.
  folder = mkdtempSync(join(fileURLToPath(new URL('.', import.meta.url)), 'testing', 'migrations-'));
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((db) => db.close()));
  await test.drop();
  rmSync(folder, { recursive: true });
});

async function openDatabase(entities: readonly Entity[] = [Note], schema = 'notes'): Promise<Database> {
  const pool = { size: 1, overflow: 1 };
  const db = await createOrm({ url: test.url, schema, service: schema, entities, migrationsFolder: folder, pool });
  open.push(db);
  return db;
}

function addMigration(name: string, sql: string): void {
  const text = `import { Migration } from '@mikro-orm/migrations';
export class ${name} extends Migration { override up(): void { this.addSql(\`${sql}\`); } }\n`;
  writeFileSync(join(folder, `${name}.ts`), text);
}

const definition = (entities: readonly Entity[] = [Note]) => ({ schema: 'notes', entities, migrationsFolder: folder });

function migrationFiles(): string[] {
  return readdirSync(folder).filter((file) => file.endsWith('.ts'));
}

/** As another version of the service would define it. */
const NoteWithColour = defineEntity({
  name: 'Note',
  tableName: 'notes',
  properties: { ...baseColumns, ownerId: p.uuid(), title: p.string().length(100), colour: p.string().nullable() },
});

describe('writing migrations', () => {
  it('needs no database, and knows when there is nothing to write', async () => {
    expect(await migrationIsMissing(definition())).toBe(true);
    const path = await createMigration(definition(), 'initial');
    expect(readFileSync(path ?? '', 'utf8').replace(/\d{14}/, '<time>')).toBe(
      `import { Migration } from '@mikro-orm/migrations';

export class Migration<time>_initial extends Migration {
  override up(): void {
    this.addSql(\`create table "notes"."notes" ("id" uuid not null, "created_at" timestamptz(6) not null, "updated_at" timestamptz(6) not null, "version" int not null default 1, "owner_id" uuid not null, "title" varchar(100) not null, "size" bigint not null default '0', "labels" jsonb not null default '{}', primary key ("id"));\`);
    this.addSql(\`alter table "notes"."notes" add constraint "notes_owner_id_title_unique" unique ("owner_id", "title");\`);
  }
}
`,
    );
    expect(await migrationIsMissing(definition())).toBe(false);
    expect(await createMigration(definition(), 'nothing')).toBeUndefined();
  });

  it('writes the difference to the last migration, also twice within a second', async () => {
    await createMigration(definition(), 'initial');
    expect(await migrationIsMissing(definition([NoteWithColour]))).toBe(true);
    const path = await createMigration(definition([NoteWithColour]), 'colour');
    expect(readFileSync(path ?? '', 'utf8')).toContain('add "colour" varchar(255) null');
    expect(migrationFiles()).toHaveLength(2);
  });

  it('touches no other schema of the same database when run', async () => {
    const bystander = await openDatabase([Note], 'bystander');
    await bystander.orm.schema.create();
    await createMigration(definition(), 'initial');
    const db = await openDatabase();
    await bystander.write('create schema notes');
    await migrate(db);
    await createMigration(definition([NoteWithColour]), 'colour');
    await migrate(db);
    expect(await bystander.read('select count(*)::int as n from bystander.notes')).toEqual([{ n: 0 }]);
    expect(await db.read('select colour from notes')).toEqual([]);
  });
});

describe('running migrations', () => {
  beforeEach(async () => {
    addMigration('Migration20260101000000_one', 'create table notes.one (id int)');
    addMigration('Migration20260101000001_two', 'insert into notes.one values (2)');
    await (await openDatabase()).write('create schema notes');
  });

  it('applies each once, in order, also when several instances start at once', async () => {
    const instances = await Promise.all([openDatabase(), openDatabase(), openDatabase()]);
    expect(await pendingMigrations(instances[0])).toEqual(migrationFiles().map((file) => file.slice(0, -3)));
    const applied = await Promise.all(instances.map((db) => migrate(db)));
    expect(applied.flat()).toEqual(['Migration20260101000000_one', 'Migration20260101000001_two']);
    expect(await instances[0].read('select id from one')).toEqual([{ id: 2 }]);
    expect(await pendingMigrations(instances[0])).toEqual([]);
  });

  it('keeps what was applied before a failure, and nothing of what failed', async () => {
    addMigration('Migration20260101000002_bad', 'create table notes.half (id int); select 1 / 0');
    const db = await openDatabase();
    await expect(migrate(db)).rejects.toThrow(
      'Migration20260101000002_bad failed and was rolled back: division by zero',
    );
    expect(
      await db.read("select to_regclass('notes.half') as half, to_regclass('notes.one') is not null as one"),
    ).toEqual([{ half: null, one: true }]);
    expect(await pendingMigrations(db)).toEqual(['Migration20260101000002_bad']);
  });

  it('refuses to go on when an applied file was changed', async () => {
    const db = await openDatabase();
    await migrate(db);
    appendFileSync(join(folder, 'Migration20260101000000_one.ts'), '// changed\n');
    await expect(migrate(db)).rejects.toThrow('changed after it was applied: Migration20260101000000_one.');
    await expect(pendingMigrations(db)).rejects.toThrow('changed after it was applied');
  });

  it('lets an older version run beside a newer one', async () => {
    const db = await openDatabase();
    await migrate(db);
    rmSync(join(folder, 'Migration20260101000001_two.ts'));
    expect(await migrate(db)).toEqual([]);
    expect(await pendingMigrations(db)).toEqual([]);
  });
});
