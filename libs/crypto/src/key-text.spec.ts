import { inspect } from 'node:util';
import { expect, it } from '@jest/globals';
import { deriveKey, generateMasterKey, MasterKeyError, parseKey } from './key-text.ts';

const text = generateMasterKey();
const bytes = Buffer.from(text, 'base64');

it('reads base64, base64url and hex alike', () => {
  const keys = [text, `${text}\n`, bytes.toString('base64url'), bytes.toString('hex')].map((each) => parseKey(each));
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
  expect(() => parseKey(key)).toThrow(MasterKeyError);
  expect(() => parseKey(key)).not.toThrow(key.length > 0 ? key : 'never');
});

it('derives independent keys per purpose, and shows none when inspected', () => {
  const key = parseKey(text);
  expect(deriveKey(key, 'a')).toHaveLength(32);
  expect(deriveKey(key, 'a').equals(deriveKey(key, 'a'))).toBe(true);
  expect(deriveKey(key, 'a').equals(deriveKey(key, 'b'))).toBe(false);
  expect(inspect(key)).not.toContain(text);
  expect(JSON.stringify({ key })).toBe('{"key":{}}');
});
