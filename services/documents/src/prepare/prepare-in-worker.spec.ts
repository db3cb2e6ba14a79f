import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PREPARE_LIMITS, type PrepareLimits, prepareInWorker, runTask } from './prepare-in-worker.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'prepare-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const signal = (): AbortSignal => AbortSignal.timeout(20_000);
function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

it('reads and chunks a file', async () => {
  const path = file('blob', '# Pumps\n\nThe pump moves the water of the lake to the tank on the hill.\n');
  const prepared = await prepareInWorker(path, { name: 'pumps.md' }, signal());
  expect(prepared).toMatchObject({ type: 'markdown', title: 'Pumps', language: 'en', quality: 1 });
  expect(prepared.chunks.map((chunk) => chunk.text)).toEqual([
    'The pump moves the water of the lake to the tank on the hill.',
  ]);
});

it('reports what is wrong with a file', async () => {
  await expect(prepareInWorker(file('empty', ''), { name: 'empty.md' }, signal())).rejects.toMatchObject({
    reason: 'EMPTY_FILE',
    message: 'empty.md is empty.',
  });
});

describe('a file that its parser does not survive', () => {
  /** Runs a program in the place of the parser. */
  const run = (program: string, limits: Partial<PrepareLimits> = {}, ends = signal()): Promise<unknown> => {
    const path = file(`${crypto.randomUUID()}.mjs`, program);
    return runTask({ path, file: { name: 'evil.pdf' } }, pathToFileURL(path), ends, { ...PREPARE_LIMITS, ...limits });
  };

  it.each([
    ['never ends', 'for (;;);', { durationMsMax: 500 }, 'evil.pdf cannot be read within 1 seconds.'],
    [
      'fills the heap',
      'const all = []; for (;;) all.push({ all: [...all] });',
      { memoryMbMax: 64 },
      'needs too much memory',
    ],
    [
      'fills buffers',
      'const all = []; setInterval(() => all.push(new Uint8Array(2e7).fill(1)), 5);',
      { memoryMbMax: 64 },
      'needs too much memory',
    ],
    ['throws', 'throw new Error("parser bug")', {}, 'crashed its parser'],
    ['leaves', 'process.exit(3)', {}, 'ended its parser with code 3'],
  ])('because it %s, is unreadable', async (_how, program, limits, message) => {
    await expect(run(program, limits)).rejects.toMatchObject({
      reason: 'UNREADABLE_FILE',
      message: expect.stringContaining(message),
    });
  });

  it('is given up at once when the job is', async () => {
    const stop = new AbortController();
    const running = run('for (;;);', {}, stop.signal);
    stop.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
  });
});
