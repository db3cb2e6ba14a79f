import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generateMasterKey, MasterKeyError, parseKey } from './key-text.ts';
import { type Keys, loadRootKey, openKeys } from './keys.ts';
import { formatMasterKeys, type MasterKey, parseMasterKeys } from './master-keys.ts';

function newMasterKey(version: number): MasterKey {
  const text = generateMasterKey();
  return { version, text, key: parseKey(text) };
}

describe('the text of master keys', () => {
  it('may be a key alone, which is the first', async () => {
    const text = generateMasterKey();
    const { keys, root } = await parseMasterKeys(`${text}\n`);
    expect(keys).toMatchObject([{ version: 1, text }]);
    expect(root.equals(keys[0].key)).toBe(false);
  });

  it('holds two while one replaces the other, and the root outlives both', async () => {
    const [first, second, third] = [newMasterKey(1), newMasterKey(2), newMasterKey(3)];
    const { root } = await parseMasterKeys(first.text);
    let text = formatMasterKeys({ keys: [first, second], root });
    for (const keys of [[second, first], [second], [second, third], [third]] as [MasterKey, ...MasterKey[]][]) {
      text = formatMasterKeys({ keys, root: (await parseMasterKeys(text)).root });
      expect((await parseMasterKeys(text)).keys.map(({ version }) => version)).toEqual(
        keys.map(({ version }) => version),
      );
    }
    expect((await parseMasterKeys(text)).root.equals(root)).toBe(true);
    expect(text).not.toContain(first.text);
    expect(text).not.toContain(root.export().toString('base64'));
  });

  it.each([
    ['two keys without a header', (a: string, b: string) => `${a}\n${b}`],
    ['no root', (a: string) => `morag-keys-v1\n1 ${a}`],
    [
      'a root of another key',
      (a: string, b: string) => `morag-keys-v1\n1 ${a}\nroot ${Buffer.from(b).toString('base64url')}`,
    ],
    ['the same version twice', (a: string, b: string) => `morag-keys-v1\n1 ${a}\n1 ${b}\nroot AAAA`],
    ['a line without a version', (a: string) => `morag-keys-v1\n${a}\nroot AAAA`],
    ['nothing', () => ''],
  ])('is refused with %s, without repeating a key', async (_what, make) => {
    const [a, b] = [generateMasterKey(), generateMasterKey()];
    const refusal = await parseMasterKeys(make(a, b)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(MasterKeyError);
    expect(String(refusal)).not.toContain(a);
  });
});

describe('the keys of an installation', () => {
  let folder: string;
  let file: string;
  let keys: Keys | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'morag-key-'));
    file = join(folder, 'master.key');
  });
  afterEach(() => {
    keys?.close();
    rmSync(folder, { recursive: true });
  });

  /** As a tool or Kubernetes replaces a file: whole or not at all. */
  function replace(text: string): void {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }

  it('come from a variable or from a file, from exactly one of them', async () => {
    const text = generateMasterKey();
    writeFileSync(file, text);
    expect((await loadRootKey({ file })).equals(await loadRootKey({ key: text }))).toBe(true);
    await expect(openKeys({ key: text, file })).rejects.toThrow('not both');
    await expect(openKeys({})).rejects.toThrow('there is no master key');
    await expect(openKeys({ file: '/nowhere/master.key' })).rejects.toThrow('/nowhere/master.key cannot be read');
  });

  it('follow their file', async () => {
    const [first, second] = [newMasterKey(1), newMasterKey(2)];
    writeFileSync(file, first.text);
    const seen = Promise.withResolvers<void>();
    const read = (text: string) => {
      if (text === second.text) seen.resolve();
      return parseKey(text);
    };
    keys = await openKeys({ file }, { read, watchMs: 10 });
    expect(keys.newest()).toBe(1);
    replace(formatMasterKeys({ keys: [second, first], root: keys.root }));
    await seen.promise;
    while (keys.newest() !== 2) await new Promise(setImmediate);
    expect(keys.byVersion(1)?.equals(first.key)).toBe(true);
  });

  it('are tried again when what makes the key of its text is away for a moment', async () => {
    const [first, second] = [newMasterKey(1), newMasterKey(2)];
    writeFileSync(file, first.text);
    const problems: unknown[] = [];
    let failures = 3;
    const read = (text: string) => {
      if (text === second.text && failures-- > 0) throw new MasterKeyError('the key service is away');
      return parseKey(text);
    };
    keys = await openKeys({ file }, { read, watchMs: 10, onProblem: (error) => problems.push(error) });
    replace(formatMasterKeys({ keys: [first, second], root: keys.root }));
    while (!keys.byVersion(2)) await new Promise(setImmediate);
    expect(problems.map(String)).toEqual(['MasterKeyError: the key service is away']);
  });

  it('stay as they are while their file holds something else', async () => {
    const first = newMasterKey(1);
    writeFileSync(file, first.text);
    const problem = Promise.withResolvers<unknown>();
    keys = await openKeys({ file }, { watchMs: 10, onProblem: problem.resolve });
    replace(generateMasterKey());
    expect(String(await problem.promise)).toContain('another installation');
    expect(keys.byVersion(1)?.equals(first.key)).toBe(true);
  });
});
