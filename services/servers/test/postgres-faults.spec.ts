import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { newDatabase, record, refusal } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';

let harness: Harness;
let alice: Caller;
let sql: pg.Client;

beforeAll(async () => {
  harness = await startServers();
  alice = await harness.newUser();
  sql = new pg.Client({ connectionString: harness.databaseUrl });
  await sql.connect();
});

afterAll(async () => {
  await sql.end();
  await harness.close();
});

it('PostgreSQL cutting connections again and again loses no answered write, and leaves nothing stuck', async () => {
  const { databaseId, memory, collection } = await newDatabase(harness, alice);
  const answered: string[] = [];
  const reasons = new Set<string>();
  let isOver = false;
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; !isOver; n++) {
      const id = `w${writer}-${n}`;
      const { reason } = await refusal(
        harness.records.upsertRecords({ databaseId, records: [record(id)] }, { ...alice.as, timeoutMs: 20_000 }),
      );
      if (reason === undefined) answered.push(id);
      else reasons.add(reason);
    }
  };
  const writers = Array.from({ length: 8 }, (_, writer) => write(writer));
  for (let cut = 0; cut < 15; cut++) {
    // Each cut hits writes under way, and is followed by writes that were answered all the same.
    const before = answered.length;
    await eventually(() => expect(answered.length).toBeGreaterThan(before + 8));
    await sql.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
  }
  isOver = true;
  await Promise.all(writers);

  expect(answered.length).toBeGreaterThan(0);
  expect([...reasons].filter((reason) => reason !== 'UNAVAILABLE')).toEqual([]);
  const missing = answered.filter((id) => !memory.records(collection).has(id));
  expect(missing).toEqual([]);
  const { rows } = await sql.query(
    `select d.head_seq = count(m.*) as dense from servers.databases d
     left join servers.mutations m on m.database_id = d.id where d.id = $1 group by d.id`,
    [databaseId],
  );
  expect(rows).toEqual([{ dense: true }]);
  await eventually(async () => {
    const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
    expect(placements).toMatchObject([{ lag: 0 }]);
  });
}, 120_000);
