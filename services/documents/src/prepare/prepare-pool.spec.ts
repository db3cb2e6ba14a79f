import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createPreparePool, type PreparePool } from './prepare-pool.ts';

let folder: string;
let pool: PreparePool;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pool-'));
  pool = createPreparePool();
});
afterEach(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

function read(name: string, content: string, signal: AbortSignal = new AbortController().signal) {
  const path = join(folder, crypto.randomUUID());
  writeFileSync(path, content);
  return pool.prepare(path, { name }, signal);
}

describe('prepare pool', () => {
  it('reads many files, at once and one after the other, good and bad', async () => {
    const texts = ['The zebra stands on the plain.', 'The walrus lies on the ice.', 'The ocelot hides in the tree.'];
    for (let round = 0; round < 2; round += 1) {
      const prepared = await Promise.all(texts.map((text) => read('a.txt', text)));
      expect(prepared.map(({ chunks }) => chunks[0]?.text)).toEqual(texts);
      await expect(read('blank.txt', ' ')).rejects.toMatchObject({ reason: 'NO_TEXT_FOUND' });
      await expect(read('broken.json', '{')).rejects.toMatchObject({ reason: 'UNREADABLE_FILE' });
    }
  });

  it('gives a file up with its signal, and reads the next', async () => {
    await read('a.txt', 'The zebra stands on the plain.');
    const stop = new AbortController();
    const given = read('b.txt', 'The walrus lies on the ice.', stop.signal);
    stop.abort(new Error('cancelled'));
    await expect(given).rejects.toThrow('cancelled');
    expect((await read('c.txt', 'The ocelot hides in the tree.')).chunks).toHaveLength(1);
  });
});
