import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createFaultProxy, createTestDatabase, type FaultProxy } from '@morag/testing';
import pg from 'pg';
import { translatePgError } from './pg-errors.ts';
import { openPool } from './pool.ts';

/** After so long a server counts as silent: enough for a new connection on a machine that is busy. */
const SILENCE_MS = 3_000;

let test: Awaited<ReturnType<typeof createTestDatabase>>;
let proxy: FaultProxy;
let pool: ReturnType<typeof openPool>;

beforeEach(async () => {
  test = await createTestDatabase();
  const url = new URL(test.url);
  proxy = await createFaultProxy({ port: Number(url.port) });
  url.port = String(proxy.port);
  pool = openPool(
    { url: url.href, schema: 'public', service: 'test' },
    { size: 1, overflow: 0 },
    undefined,
    SILENCE_MS,
  );
});

afterEach(async () => {
  await pool.end();
  await proxy.close();
  await test.drop();
});

const one = async (): Promise<unknown> => (await pool.query('select 1 as one')).rows;
const reasonOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: unknown) => (translatePgError(error) as { reason?: string }).reason,
  );

describe('a pool', () => {
  it('gives up on a server that swallows everything, and finds it when it is back', async () => {
    await one();
    await proxy.blackhole();
    expect(await reasonOf(one())).toBe('UNAVAILABLE');
    await proxy.pass();
    expect(await one()).toEqual([{ one: 1 }]);
  });

  it('keeps connections that are merely idle', async () => {
    const pidOf = async (): Promise<unknown> => (await pool.query('select pg_backend_pid() as pid')).rows;
    const before = await pidOf();
    const other = new pg.Client({ connectionString: test.url });
    await other.connect();
    await other.query('select pg_sleep(4)');
    await other.end();
    expect(await pidOf()).toEqual(before);
  });

  it('finds a server that refused for a while', async () => {
    await one();
    await proxy.refuse();
    expect(await reasonOf(one())).toBe('UNAVAILABLE');
    await proxy.pass();
    expect(await one()).toEqual([{ one: 1 }]);
  });

  it('says UNAVAILABLE when the network resets a connection in the middle of a statement', async () => {
    await one();
    const slow = reasonOf(pool.query('select pg_sleep(0.2)'));
    await proxy.reset();
    expect(await slow).toBe('UNAVAILABLE');
  });

  it('counts times in UTC and finds the schema first', async () => {
    const { rows } = await pool.query(
      "select current_setting('timezone') as zone, current_setting('search_path') as path",
    );
    expect(rows).toEqual([{ zone: 'UTC', path: 'public,public' }]);
  });
});
