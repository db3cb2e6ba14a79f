import { expect, it } from '@jest/globals';
import { lexicalForm } from './lexical-text.ts';

it.each([
  ['postgresql.conf', 'postgresql conf'],
  ['shared_buffers and max_wal_size', 'shared buffers and max wal size'],
  ['edit /etc/hosts or C:\\temp', 'edit  etc hosts or C: temp'],
  ['std::vector', 'std::vector'],
  ['version 3.14 of it. Then', 'version 3.14 of it. Then'],
  ['well-known', 'well-known'],
])('parts the words that names are made of: %s', (text, expected) => {
  expect(lexicalForm(text)).toBe(expected);
});

it('parts the words of scripts without spaces', () => {
  const words = lexicalForm('設定ファイルを編集 now').trim().split(/\s+/);
  expect(words).toEqual(expect.arrayContaining(['設定', 'ファイル', '編集', 'now']));
});
