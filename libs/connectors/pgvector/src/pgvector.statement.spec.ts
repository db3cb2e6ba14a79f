import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '@morag/testing';
import { Client } from 'pg';
import { runSettled } from './pgvector.statement.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let client: Client;

beforeEach(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterEach(async () => {
  await client.end();
  await database.drop();
});

const show = (name: string) => ({ text: 'SELECT current_setting($1) AS value', values: [name] });

describe('a statement with settings of its own', () => {
  it('has them, and what follows on the connection has not', async () => {
    const settings = { statement_timeout: 12_345, work_mem: '7MB' };
    expect((await runSettled(client, show('work_mem'), settings)).rows).toEqual([{ value: '7MB' }]);
    expect((await runSettled(client, show('statement_timeout'), settings)).rows).toEqual([{ value: '12345ms' }]);
    expect((await client.query(show('work_mem'))).rows).not.toEqual([{ value: '7MB' }]);
    expect((await client.query(show('statement_timeout'))).rows).toEqual([{ value: '0' }]);
  });

  it('gives its own rows and count alone, with parameters or without', async () => {
    await runSettled(client, { text: 'CREATE TABLE things (id int)' }, { work_mem: '7MB' });
    const inserted = await runSettled(
      client,
      { text: 'INSERT INTO things SELECT generate_series(1, $1::int)', values: [3] },
      { work_mem: '7MB' },
    );
    expect(inserted.rowCount).toBe(3);
    const { rows } = await runSettled(client, { text: 'SELECT id FROM things ORDER BY id' }, { work_mem: '7MB' });
    expect(rows).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    const none = { text: 'SELECT id FROM things WHERE id > 3' };
    expect((await runSettled(client, none, { work_mem: '7MB' })).rows).toEqual([]);
  });

  it('is ended by the server at its time, and leaves the connection to the next', async () => {
    const slow = runSettled(client, { text: 'SELECT pg_sleep(20)' }, { statement_timeout: 50 });
    await expect(slow).rejects.toMatchObject({ code: '57014' });
    expect((await client.query(show('statement_timeout'))).rows).toEqual([{ value: '0' }]);
  });

  it('is refused what it would write where it may only read', async () => {
    const written = runSettled(client, { text: 'CREATE TABLE things (id int)' }, { transaction_read_only: 'on' });
    await expect(written).rejects.toMatchObject({ code: '25006' });
  });

  it('fails as a whole when what it wrote cannot be committed', async () => {
    await client.query(`
      CREATE TABLE things (id int PRIMARY KEY);
      CREATE TABLE parts (of int REFERENCES things DEFERRABLE INITIALLY DEFERRED)`);
    const written = runSettled(client, { text: 'INSERT INTO parts VALUES ($1)', values: [1] }, { work_mem: '7MB' });
    await expect(written).rejects.toMatchObject({ code: '23503' });
    expect((await client.query('SELECT * FROM parts')).rows).toEqual([]);
  });

  it('fails when a setting is refused, and does nothing', async () => {
    const written = runSettled(client, { text: 'CREATE TABLE things (id int)' }, { work_mem: 'much' });
    await expect(written).rejects.toMatchObject({ code: '22023' });
    expect((await client.query("SELECT to_regclass('things') AS found")).rows).toEqual([{ found: null }]);
  });
});
