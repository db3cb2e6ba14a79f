import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from './eventually.ts';
import { spawnLeashed } from './spawn-leashed.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'morag-leash-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, source: string): string {
  const path = join(folder, name);
  writeFileSync(path, source);
  return path;
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('a child does not outlive a parent that is killed', async () => {
  const child = program('child.mjs', 'console.log(process.pid); setInterval(() => {}, 1_000);');
  const parent = program(
    'parent.mjs',
    `import { spawnLeashed } from ${JSON.stringify(new URL('./spawn-leashed.ts', import.meta.url).href)};
     spawnLeashed(${JSON.stringify(child)}, [], { env: process.env, stdout: 'inherit', stderr: 'inherit' });`,
  );
  const started = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(started.stdout, 'data')) as [Buffer];
  const pid = Number(said.toString());
  expect(isThere(pid)).toBe(true);
  started.kill('SIGKILL');
  await eventually(() => expect(isThere(pid)).toBe(false), { timeoutMs: 30_000 });
});

it('a child that is done ends while its parent lives', async () => {
  const child = program('done.mjs', 'console.log(process.argv[2]);');
  const started = spawnLeashed(child, ['done'], { env: process.env, stdout: 'pipe', stderr: 'inherit' });
  const exited = once(started, 'exit');
  const [said] = (await once(started.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
  expect(said.toString().trim()).toBe('done');
  expect(await exited).toEqual([0, null]);
});
