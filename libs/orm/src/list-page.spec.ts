import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '@morag/testing';
import { equals } from './conditions.ts';
import { createOrm, type Database } from './database.ts';
import { type Cursor, type ListRequest, type ListSpec, listPage } from './list-page.ts';
import { Note } from './testing/note.entity.ts';

const spec: ListSpec = {
  from: 'items',
  columns: 'id, name',
  id: 'id',
  filter: { name: { column: 'name', kind: 'text' } },
  order: { create_time: { column: 'created_at', type: 'timestamptz' }, name: { column: 'name', type: 'text' } },
  defaultOrder: 'create_time desc',
};

let test: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  const pool = { size: 1, overflow: 1 };
  db = await createOrm({ url: test.url, schema: 'public', service: 't', entities: [Note], migrationsFolder: '', pool });
  await db.write(
    `create table items (id uuid default gen_random_uuid(), owner text, name text, created_at timestamptz)`,
  );
  // Seven rows share each microsecond, so that only the id tells them apart, and neighbours differ by one microsecond.
  await db.write(`insert into items (owner, name, created_at)
    select case when n % 10 = 0 then 'other' else 'me' end, 'item ' || (n % 13),
           timestamptz '2026-01-01T00:00:00Z' + (n / 7) * interval '1 microsecond'
    from generate_series(1, 500) n`);
});

afterAll(async () => {
  await db.close();
  await test.drop();
});

async function readAll(request: ListRequest): Promise<string[]> {
  const ids: string[] = [];
  let cursor: Cursor | undefined;
  do {
    const page = await listPage<{ id: string }>(db, spec, { ...request, cursor }, [equals('owner', 'me')]);
    ids.push(...page.rows.map(({ id }) => id));
    cursor = page.next;
  } while (cursor);
  return ids;
}

describe('pages', () => {
  it.each([
    ['created_at desc, id desc', ''],
    ['created_at, id', 'create_time'],
    ['name, id', 'name asc'],
    ['name desc, id desc', 'name desc'],
  ])('ordered by %s hold every row once, in order', async (sql, orderBy) => {
    const expected = await db.read<{ id: string }>(`select id from items where owner = 'me' order by ${sql}`);
    expect(await readAll({ pageSize: 37, orderBy })).toEqual(expected.map(({ id }) => id));
  });

  it('end without a cursor when the rows fit exactly', async () => {
    const page = await listPage(db, spec, { pageSize: 450 }, [equals('owner', 'me')]);
    expect(page.rows).toHaveLength(450);
    expect(page.next).toBeUndefined();
  });

  it('hold 50 rows unless told otherwise, never more than 1000, and only the columns asked for', async () => {
    const { rows } = await listPage(db, spec, { pageSize: 0 });
    expect(rows).toHaveLength(50);
    expect(Object.keys(rows[0] ?? {})).toEqual(['id', 'name']);
    expect((await listPage(db, spec, { pageSize: 1_000_000 })).rows).toHaveLength(500);
  });

  it('keep to the filter', async () => {
    const ids = await readAll({ pageSize: 5, filter: 'name = "item 3"' });
    const expected = await db.read(`select 1 from items where owner = 'me' and name = 'item 3'`);
    expect(ids).toHaveLength(expected.length);
  });
});
