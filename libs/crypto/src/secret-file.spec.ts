import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { writeSecretFile } from './secret-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'morag-secret-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('writeSecretFile', () => {
  it('writes a file for its owner alone, and leaves nothing beside it', async () => {
    const file = join(folder, 'master.key');
    await writeSecretFile(file, 'first');
    expect(readFileSync(file, 'utf8')).toBe('first');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['master.key']);
  });

  it('takes the place of what was there, also of what a writer that died has left', async () => {
    const file = join(folder, 'master.key');
    writeFileSync(file, 'a text that is longer than the next');
    writeFileSync(`${file}.new`, 'half of a text that is longer than the next', { mode: 0o600 });
    await writeSecretFile(file, 'next');
    expect(readFileSync(file, 'utf8')).toBe('next');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['master.key']);
  });

  it('leaves the file as it is when it cannot write', async () => {
    const file = join(folder, 'master.key');
    writeFileSync(file, 'first');
    mkdirSync(`${file}.new`);
    await expect(writeSecretFile(file, 'next')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(readFileSync(file, 'utf8')).toBe('first');
  });
});
