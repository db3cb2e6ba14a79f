import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, it } from '@jest/globals';
import { deriveKey, generateMasterKey, loadMasterKey, MasterKeyError } from './master-key.ts';

const text = generateMasterKey();
const bytes = Buffer.from(text, 'base64');

it('reads base64, base64url and hex alike, from text and from a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'morag-key-'));
  const file = join(folder, 'master.key');
  writeFileSync(file, `${text}\n`);
  const keys = [
    loadMasterKey({ key: text }),
    loadMasterKey({ key: bytes.toString('base64url') }),
    loadMasterKey({ key: bytes.toString('hex') }),
    loadMasterKey({ file }),
  ];
  rmSync(folder, { recursive: true });
  expect(new Set(keys.map((key) => deriveKey(key, 'test').toString('hex'))).size).toBe(1);
});

it.each([
  ['empty', ''],
  ['a word', 'changeme'],
  ['short', Buffer.alloc(16, 7).toString('base64')],
  ['all zero', Buffer.alloc(32).toString('base64')],
  ['repeated', Buffer.from('secret!!'.repeat(4)).toString('base64')],
  ['counted up', Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('hex')],
])('refuses a key that is %s, without repeating it', (_, key) => {
  expect(() => loadMasterKey({ key })).toThrow(MasterKeyError);
  expect(() => loadMasterKey({ key })).not.toThrow(key.length > 0 ? key : 'never');
});

it('refuses both sources, neither, and a file that is not there', () => {
  expect(() => loadMasterKey({ key: text, file: 'x' })).toThrow('not both');
  expect(() => loadMasterKey({})).toThrow('there is no master key');
  expect(() => loadMasterKey({ file: '/nowhere/master.key' })).toThrow('/nowhere/master.key cannot be read');
});

it('derives independent keys per purpose, and shows none when inspected', () => {
  const key = loadMasterKey({ key: text });
  expect(deriveKey(key, 'a')).toHaveLength(32);
  expect(deriveKey(key, 'a').equals(deriveKey(key, 'a'))).toBe(true);
  expect(deriveKey(key, 'a').equals(deriveKey(key, 'b'))).toBe(false);
  expect(inspect(key)).not.toContain(text);
  expect(JSON.stringify({ key })).toBe('{"key":{}}');
});
