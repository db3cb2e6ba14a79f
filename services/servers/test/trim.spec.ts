import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Mutation_WritePolicy } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { eventually } from '@morag/testing';
import pg from 'pg';
import { newDatabase, record } from './data.ts';
import { FAST, type Harness, startServers } from './harness.ts';

let harness: Harness;
let sql: pg.Client;

beforeAll(async () => {
  harness = await startServers({ settings: { ...FAST, keeper: { ...FAST.keeper, trimMs: 50, retentionMs: 300 } } });
  sql = new pg.Client({ connectionString: harness.databaseUrl });
  await sql.connect();
});

afterAll(async () => {
  await sql.end();
  await harness.close();
});

it('mutations go when they are old and applied everywhere, and not before', async () => {
  const alice = await harness.newUser();
  const { databaseId, memory, collection } = await newDatabase(harness, alice);
  const upsert = (id: string) =>
    harness.records.upsertRecords(
      { databaseId, records: [record(id)], writePolicy: Mutation_WritePolicy.LOGGED },
      alice.as,
    );
  const logged = async (): Promise<string[]> => {
    const { rows } = await sql.query('select seq from servers.mutations where database_id = $1 order by seq', [
      databaseId,
    ]);
    return rows.map(({ seq }) => seq as string);
  };
  await upsert('a');
  await upsert('b');
  await eventually(() => expect(memory.records(collection).size).toBe(2));
  memory.down = 'unavailable';
  await upsert('c');
  await eventually(async () => expect(await logged()).toEqual(['3']));
  const { rows } = await sql.query('select trimmed_seq, head_seq from servers.databases where id = $1', [databaseId]);
  expect(rows).toEqual([{ trimmed_seq: '2', head_seq: '3' }]);
  memory.down = undefined;
  await eventually(async () => expect(await logged()).toEqual([]), { timeoutMs: 8_000 });
  expect(memory.records(collection).size).toBe(3);
});
