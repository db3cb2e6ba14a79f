import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@morag/telemetry';
import { createTestDatabase, eventually } from '@morag/testing';
import { AuditEntry } from './audit-journal.entity.ts';
import { type AuditJournalStore, createAuditJournal } from './audit-journal.ts';
import { createOrm, type Database } from './database.ts';
import { Note } from './testing/note.entity.ts';

interface Entry {
  readonly id: string;
  readonly outcome: string;
  readonly before?: string;
  readonly after?: string;
}

let test: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;
let journal: AuditJournalStore<Entry>;

beforeAll(async () => {
  test = await createTestDatabase();
  db = await createOrm({
    url: test.url,
    schema: 'notes',
    service: 'notes',
    entities: [Note, AuditEntry],
    migrationsFolder: '/nowhere',
    pool: { size: 2, overflow: 0 },
  });
  await db.orm.schema.create();
  // Never started: what it holds is what a process that dies leaves.
  journal = createAuditJournal({
    db,
    send: async () => {},
    logger: createLogger({ level: 'silent', service: 'notes' }),
  });
});

afterAll(async () => {
  await db.close();
  await test.drop();
});

beforeEach(async () => {
  await db.write('truncate notes, audit_journal');
});

const begin = async (known: () => Partial<Entry> = () => ({})) => {
  const record = { id: crypto.randomUUID(), outcome: 'UNFINISHED' };
  return { id: record.id, open: await journal.begin(record, known) };
};

const insert = (signal?: AbortSignal): Promise<void> =>
  db.transaction(
    async (em) => {
      em.create(Note, { ownerId: crypto.randomUUID(), title: 'one' });
      await em.flush();
    },
    { signal },
  );

const INSERT = `insert into notes (id, created_at, updated_at, version, owner_id, title)
  values (gen_random_uuid(), now(), now(), 1, gen_random_uuid(), 'one')`;

/** What is durable at this moment, as another process sees it. */
async function durable(): Promise<{ outcomes: string[]; notes: number }> {
  const records = await db.read<{ outcome: string }>(`select record->>'outcome' as outcome from audit_journal`);
  const [notes] = await db.read<{ count: number }>('select count(*)::int from notes');
  return { outcomes: records.map(({ outcome }) => outcome), notes: notes?.count ?? -1 };
}

describe('the record of a change', () => {
  it('is there before it', async () => {
    await begin();
    expect(await durable()).toEqual({ outcomes: ['UNFINISHED'], notes: 0 });
  });

  it('says that it is made from the commit on that makes it, with what is known by then', async () => {
    let before = 'not read yet';
    const { open } = await begin(() => ({ before }));
    before = 'as it was';
    await open.run(() => insert());
    expect(await durable()).toEqual({ outcomes: ['SUCCEEDED'], notes: 1 });
    expect(await db.read(`select record->>'before' as before from audit_journal`)).toEqual([{ before: 'as it was' }]);
  });

  it('does not say so when the transaction is rolled back', async () => {
    const { open } = await begin();
    const change = open.run(() =>
      db.transaction(async (em) => {
        em.create(Note, { ownerId: crypto.randomUUID(), title: 'one' });
        await em.flush();
        throw new Error('changed my mind');
      }),
    );
    await expect(change).rejects.toThrow('changed my mind');
    expect(await durable()).toEqual({ outcomes: ['UNFINISHED'], notes: 0 });
  });

  it('takes the change with it when it cannot be written (F26)', async () => {
    const { open } = await begin();
    await db.write('alter table audit_journal rename to audit_journal_away');
    try {
      await expect(open.run(() => insert())).rejects.toThrow('audit_journal');
      await expect(open.run(() => db.change(INSERT))).rejects.toThrow('audit_journal');
    } finally {
      await db.write('alter table audit_journal_away rename to audit_journal');
    }
    expect(await durable()).toEqual({ outcomes: ['UNFINISHED'], notes: 0 });
  });

  it('is marked by a single statement that changes something, and by none that does not', async () => {
    await insert();
    const { open } = await begin();
    await open.run(() => db.change('update notes set title = $1 where title = $2', ['two', 'none']));
    await open.run(() => db.write('update notes set title = $1', ['aside']));
    expect((await durable()).outcomes).toEqual(['UNFINISHED']);
    expect(await open.run(() => db.change('update notes set title = $1 returning title', ['two']))).toEqual([
      { title: 'two' },
    ]);
    expect((await durable()).outcomes).toEqual(['SUCCEEDED']);
  });

  it('is not marked by what its transaction says is no change', async () => {
    const { open } = await begin();
    await open.run(() => db.transaction(async () => 'nothing', { isChange: (result) => result !== 'nothing' }));
    expect((await durable()).outcomes).toEqual(['UNFINISHED']);
  });

  it('stays SUCCEEDED when the call fails after the commit, and takes its answer', async () => {
    const [failed, answered] = [await begin(), await begin()];
    await Promise.all([failed, answered].map(({ open }) => open.run(() => insert())));
    failed.open.end({ outcome: 'FAILED' });
    answered.open.end({ outcome: 'SUCCEEDED', after: 'as it is' });
    await eventually(async () =>
      expect(await db.read('select 1 from audit_journal where ended_at is null')).toEqual([]),
    );
    const records = await db.read<{ record: Entry }>('select record from audit_journal');
    const found = Object.fromEntries(records.map(({ record }) => [record.id, record]));
    expect(found).toEqual({
      [failed.id]: { id: failed.id, outcome: 'SUCCEEDED' },
      [answered.id]: { id: answered.id, outcome: 'SUCCEEDED', after: 'as it is' },
    });
  });

  it('is one, whichever of several transactions at once comes first', async () => {
    const { open } = await begin();
    await Promise.all(Array.from({ length: 10 }, () => open.run(() => insert())));
    expect(await durable()).toEqual({ outcomes: ['SUCCEEDED'], notes: 10 });
  });

  it('is written anew when it has gone meanwhile', async () => {
    const { open } = await begin();
    await db.write('truncate audit_journal');
    await open.run(() => insert());
    expect(await durable()).toEqual({ outcomes: ['SUCCEEDED'], notes: 1 });
  });

  it('is not marked by what goes on when the call is over', async () => {
    const { open } = await begin();
    const later = Promise.withResolvers<void>();
    const inBackground = open.run(async () => {
      await later.promise;
      await insert();
    });
    open.end({ outcome: 'FAILED' });
    later.resolve();
    await inBackground;
    await eventually(async () => expect((await durable()).outcomes).toEqual(['FAILED']));
  });
});
