import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { openDataFolder } from './data-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'morag-data-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('is held by one process at a time, and the second one is told which', async () => {
  const path = join(root, 'held');
  const holder = spawn(process.execPath, ['-e', 'process.stdout.write("up"); process.stdin.resume()']);
  await once(holder.stdout, 'data');
  openDataFolder(path).release();
  writeFileSync(join(path, 'morag.pid'), String(holder.pid));
  expect(() => openDataFolder(path)).toThrow(`in use by process ${holder.pid}; stop it, or set MORAG_DATA_DIR`);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const folder = openDataFolder(path);
  expect(readFileSync(folder.at('morag.pid'), 'utf8')).toBe(String(process.pid));
  folder.release();
});

it('says which variable to change when it cannot be made', () => {
  writeFileSync(join(root, 'file'), '');
  expect(() => openDataFolder(join(root, 'file', 'below'))).toThrow('set MORAG_DATA_DIR to a folder that can');
});
