import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort, startEmbeddedPostgres } from '@morag/embedded';
import pg from 'pg';

/** A PostgreSQL of the test run's own: real server, throwaway data, durability off for speed. */
export interface TestPostgres {
  /** Superuser's URL of its maintenance database. */
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

const FAST_BUT_NOT_DURABLE = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=200'];

/** Starts a PostgreSQL on a free loopback port. */
export async function startPostgres(settings: readonly string[] = FAST_BUT_NOT_DURABLE): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'morag-test-pg-'));
  const port = await freePort();
  const server = await startEmbeddedPostgres({ folder, port, password: 'postgres', settings });
  return {
    url: server.url,
    port,
    async stop() {
      await server.stop();
      for (const used of [dirname(server.dataFolder), folder]) rmSync(used, { recursive: true, force: true });
    },
  };
}

/** How long `drop` waits for connections that are closing. */
const DISCONNECT_MS_MAX = 5_000;

/** Creates an empty database of a unique name on the run's PostgreSQL; `drop` removes it. */
export async function createTestDatabase(prefix = 'test'): Promise<{ url: string; drop(): Promise<void> }> {
  const base = process.env.MORAG_TEST_DATABASE_URL;
  if (!base)
    throw new Error(
      'MORAG_TEST_DATABASE_URL is not set: run through jest.config.mjs, whose global setup starts PostgreSQL',
    );
  const name = `${prefix}_${crypto.randomUUID().replaceAll('-', '')}`;
  const run = async <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client({ connectionString: base });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  await run((client) => client.query(`create database "${name}"`));
  const url = new URL(base);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () =>
      run(async (client) => {
        await untilNobodyIsConnected(client, name);
        await client.query(`drop database if exists "${name}" with (force)`);
      }),
  };
}

/** A pool has ended before its sockets have; who is thrown out meanwhile fails without anybody to hear it. */
async function untilNobodyIsConnected(client: pg.Client, database: string): Promise<void> {
  for (const deadline = Date.now() + DISCONNECT_MS_MAX; Date.now() < deadline; ) {
    const { rowCount } = await client.query('select from pg_stat_activity where datname = $1', [database]);
    if (rowCount === 0) return;
    await client.query('select pg_sleep(0.02)');
  }
}
