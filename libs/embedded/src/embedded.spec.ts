import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startEmbeddedChroma } from './chroma.ts';
import { freePort } from './port.ts';
import { startEmbeddedPostgres } from './postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'morag-embedded-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

describe('embedded PostgreSQL', () => {
  it('keeps what was committed when it is killed, and takes over a server whose owner died', async () => {
    const port = await freePort();
    const options = { folder: join(folder, 'postgres'), port, password: 'p@ss word' };
    const first = await startEmbeddedPostgres(options);
    await query(first.url, 'create table kept as select 42 as answer');
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await startEmbeddedPostgres(options);
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    const third = await startEmbeddedPostgres(options);
    await second.exited;
    expect(await query(third.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await third.stop();
    expect(existsSync(join(third.dataFolder, 'postmaster.pid'))).toBe(false);
  }, 180_000);
});

describe('embedded Chroma', () => {
  it('answers, and gives its folder to the next one when its owner died', async () => {
    const options = { folder: join(folder, 'chroma'), port: await freePort() };
    const first = await startEmbeddedChroma(options);
    expect((await fetch(`${first.url}/api/v2/version`)).status).toBe(200);
    const second = await startEmbeddedChroma(options);
    await first.exited;
    expect((await fetch(`${second.url}/api/v2/heartbeat`)).status).toBe(200);
    await second.stop();
    await expect(fetch(`${second.url}/api/v2/heartbeat`)).rejects.toThrow('fetch failed');
  }, 120_000);
});
