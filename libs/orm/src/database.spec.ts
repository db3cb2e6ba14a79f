import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase, eventually } from '@morag/testing';
import pg from 'pg';
import { createOrm, type Database, query } from './database.ts';
import { violatedConstraint } from './pg-errors.ts';
import { Note } from './testing/note.entity.ts';

let test: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  db = await createOrm({
    url: test.url,
    schema: 'notes',
    service: 'notes',
    entities: [Note],
    migrationsFolder: '/nowhere',
    pool: { size: 1, overflow: 1 },
  });
  await db.orm.schema.create();
});

afterAll(async () => {
  await db.close();
  await test.drop();
});

beforeEach(async () => {
  await db.write('truncate notes');
});

describe('a transaction', () => {
  it('commits what the work returns from', async () => {
    const id = await db.transaction(async (em) => {
      const note = em.create(Note, { ownerId: crypto.randomUUID(), title: 'one' });
      await em.flush();
      return note.id;
    });
    expect(await db.read('select id, version from notes')).toEqual([{ id, version: 1 }]);
  });

  it('leaves nothing behind when the work throws', async () => {
    const work = db.transaction(async (em) => {
      em.create(Note, { ownerId: crypto.randomUUID(), title: 'one' });
      await em.flush();
      await query(em, 'update notes set title = $1', ['two']);
      throw new Error('changed my mind');
    });
    await expect(work).rejects.toThrow('changed my mind');
    expect(await db.read('select 1 from notes')).toEqual([]);
  });

  it('lets plain SQL see what the same transaction wrote', async () => {
    const rows = await db.transaction(async (em) => {
      em.create(Note, { ownerId: crypto.randomUUID(), title: "it's" });
      await em.flush();
      return query<{ title: string }>(em, 'select title from notes where title = $1', ["it's"]);
    });
    expect(rows).toEqual([{ title: "it's" }]);
  });

  it('says which constraint was violated', async () => {
    const ownerId = crypto.randomUUID();
    const create = () =>
      db.transaction(async (em) => {
        em.create(Note, { ownerId, title: 'same' });
        await em.flush();
      });
    await create();
    const error = await create().catch((reason: unknown) => reason);
    expect(violatedConstraint(error)).toBe('notes_owner_id_title_unique');
  });

  it('refuses to overwrite a row that changed since it was read', async () => {
    await db.transaction(async (em) => {
      em.create(Note, { ownerId: crypto.randomUUID(), title: 'one' });
      await em.flush();
    });
    const late = db.transaction(async (em) => {
      const note = await em.findOneOrFail(Note, { title: 'one' });
      await db.write('update notes set version = version + 1');
      note.title = 'two';
      await em.flush();
    });
    await expect(late).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  });

  it('does not commit for a caller who has gone', async () => {
    const aborter = new AbortController();
    const { signal } = aborter;
    const work = db.transaction(
      async (em) => {
        await query(
          em,
          "insert into notes (id, owner_id, title, created_at, updated_at) values ($1, $1, 'x', now(), now())",
          [crypto.randomUUID()],
        );
        aborter.abort(new Error('gone'));
      },
      { signal },
    );
    await expect(work).rejects.toThrow('gone');
    await expect(db.transaction(async () => 'never', { signal })).rejects.toThrow('gone');
    expect(await db.read('select 1 from notes')).toEqual([]);
  });
});

describe('values', () => {
  it('are the same in entities and in plain rows', async () => {
    const createdAt = new Date('2026-01-02T03:04:05.678Z');
    await db.transaction(async (em) => {
      em.create(Note, { ownerId: crypto.randomUUID(), title: 't', size: 2n ** 60n, labels: { a: 'b' }, createdAt });
      await em.flush();
    });
    const entity = await db.fork().findOneOrFail(Note, { title: 't' });
    const [row] = await db.read<Record<string, unknown>>('select created_at, size, labels from notes');
    const [inTransaction] = await db.transaction((em) =>
      query<Record<string, unknown>>(em, 'select created_at, size from notes'),
    );
    expect(row).toEqual({ created_at: createdAt, size: 2n ** 60n, labels: { a: 'b' } });
    expect(inTransaction).toEqual({ created_at: createdAt, size: 2n ** 60n });
    expect(entity).toMatchObject({ createdAt, size: 2n ** 60n, labels: { a: 'b' } });
  });
});

describe('errors', () => {
  it('name an exhausted pool, which still counts as an answer', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const holding = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holders = holding.map(({ resolve }) =>
      db.transaction(async (em) => {
        await query(em, 'select 1');
        resolve();
        await held;
      }),
    );
    await Promise.all(holding.map(({ promise }) => promise));
    const [read, ping] = await Promise.all([db.read('select 1').catch((error: unknown) => error), db.ping()]);
    release();
    await Promise.all(holders);
    expect(read).toMatchObject({ reason: 'OVERLOADED', retryAfterMs: 1_000 });
    expect(ping).toBe(true);
  });

  it.each([
    ['read', (broken: Database) => broken.read('select 1')],
    ['transaction', (broken: Database) => broken.transaction((em) => query(em, 'select 1'))],
    ['find', (broken: Database) => broken.fork().find(Note, {})],
  ])('say UNAVAILABLE when PostgreSQL is away: %s', async (_, use) => {
    const broken = await createOrm({ ...db.options, url: 'postgresql://u:p@127.0.0.1:1/none' });
    await expect(use(broken)).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    expect(await broken.ping()).toBe(false);
    await broken.close();
  });

  it('say UNAVAILABLE when connections are cut, and no place in the pool is lost', async () => {
    const cut = () =>
      db.transaction(async (em) => {
        const [row] = await query<{ pid: number }>(em, 'select pg_backend_pid() as pid');
        await db.read('select pg_terminate_backend($1)', [row?.pid]);
        await query(em, 'select 1');
      });
    for (let times = 0; times < 4; times += 1) await expect(cut()).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    expect(await db.transaction((em) => query(em, 'select 1 as one'))).toEqual([{ one: 1 }]);
  });

  it('say UNAVAILABLE when a connection is cut while idle, and no place in the pool is lost', async () => {
    const admin = new pg.Client({ connectionString: test.url });
    await admin.connect();
    for (let times = 0; times < 4; times += 1) {
      await db.read('select 1');
      await admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'morag-notes'",
      );
      // Whether the pool has heard of it by now is chance; either way the next but one finds a connection.
      await db.transaction((em) => query(em, 'select 1')).catch(() => {});
      await db.transaction((em) => query(em, 'select 1')).catch(() => {});
    }
    await admin.end();
    expect(await db.read('select 1 as one')).toEqual([{ one: 1 }]);
  });
});

it('refuses the global unit of work', async () => {
  await expect(db.orm.em.find(Note, {})).rejects.toThrow(/global EntityManager/);
});

describe('close', () => {
  it.each([
    ['nothing', async () => {}],
    ['plain statements', (used: Database) => used.read('select 1')],
    ['a transaction', (used: Database) => used.transaction((em) => query(em, 'select 1'))],
  ])('leaves no connection behind after %s', async (_, use) => {
    const used = await createOrm({ ...db.options, service: 'closing' });
    await use(used);
    await used.close();
    const left = "select from pg_stat_activity where application_name = 'morag-closing'";
    await eventually(async () => expect(await db.read(left)).toEqual([]));
  });
});
