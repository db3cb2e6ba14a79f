import { describe, expect, it } from '@jest/globals';
import { generateMasterKey, parseKey, type SecretKey } from './key-text.ts';
import { type Binding, createVault, VaultError } from './vault.ts';

const binding: Binding = { service: 'servers', table: 'servers', rowId: 'r1', ownerId: 'o1', column: 'password' };
const newKey = () => parseKey(generateMasterKey());
/** Keys by version, of which the highest seals. */
const keysOf = (byVersion: Record<number, SecretKey>) => ({
  byVersion: (version: number) => byVersion[version],
  newest: () => Math.max(...Object.keys(byVersion).map(Number)),
});

describe('a vault', () => {
  const vault = createVault(keysOf({ 1: newKey() }));

  it.each(['', 'hunter2', 'Pässwörd 🔑', 'x'.repeat(10_000)])('opens what it sealed', (plaintext) => {
    const sealed = vault.seal(plaintext, binding);
    expect(sealed).toMatch(/^v1\.1\.[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(vault.open(sealed, binding)).toBe(plaintext);
  });

  it('seals the same text differently each time', () => {
    expect(vault.seal('same', binding)).not.toBe(vault.seal('same', binding));
  });

  it.each(Object.keys(binding) as (keyof Binding)[])('opens for no other %s', (part) => {
    const sealed = vault.seal('secret', binding);
    expect(() => vault.open(sealed, { ...binding, [part]: 'other' })).toThrow(VaultError);
  });

  it('does not confuse parts that run together', () => {
    const sealed = vault.seal('secret', { ...binding, rowId: 'a', ownerId: 'bc' });
    expect(() => vault.open(sealed, { ...binding, rowId: 'ab', ownerId: 'c' })).toThrow(VaultError);
  });

  it('fails closed when any byte of any part is flipped', () => {
    const sealed = vault.seal('secret', binding);
    const parts = sealed.split('.');
    for (const at of [2, 3, 4]) {
      const bytes = Buffer.from(parts[at] ?? '', 'base64url');
      for (let index = 0; index < bytes.length; index += 1) {
        const flipped = Buffer.from(bytes);
        flipped[index] = (flipped[index] ?? 0) ^ 1;
        const altered = parts.with(at, flipped.toString('base64url')).join('.');
        expect(() => vault.open(altered, binding)).toThrow(VaultError);
      }
    }
  });

  it('fails closed when parts of two values are swapped', () => {
    const [one, two] = [vault.seal('one', binding), vault.seal('two', binding)].map((text) => text.split('.'));
    const mixed = one?.with(2, two?.[2] ?? '').join('.') ?? '';
    expect(() => vault.open(mixed, binding)).toThrow(VaultError);
  });

  it.each(['', 'v1', 'v1.1.a.b.c', 'v2.1.AAAA.AAAA.AAAA', 'v1.0.AAAA.AAAA.AAAA', 'plain text'])(
    'refuses %p, which is no sealed value',
    (text) => {
      expect(() => vault.open(text, binding)).toThrow(VaultError);
    },
  );

  it('opens nothing of another installation', () => {
    const other = createVault(keysOf({ 1: newKey() }));
    expect(() => other.open(vault.seal('secret', binding), binding)).toThrow(VaultError);
  });
});

describe('changing the master key', () => {
  const [first, second] = [newKey(), newKey()];
  const sealed = createVault(keysOf({ 1: first })).seal('secret', binding);
  const rotating = createVault(keysOf({ 1: first, 2: second }));

  it('re-wraps the data key and leaves the ciphertext', () => {
    const rewrapped = rotating.rewrap(sealed, binding);
    expect(rewrapped.split('.').slice(3)).toEqual(sealed.split('.').slice(3));
    expect(createVault(keysOf({ 2: second })).open(rewrapped, binding)).toBe('secret');
    expect(rotating.rewrap(rewrapped, binding)).toBe(rewrapped);
  });

  it('opens values of a retired key until it is removed', () => {
    expect(rotating.open(sealed, binding)).toBe('secret');
    const without = createVault(keysOf({ 2: second }));
    expect(() => without.open(sealed, binding)).toThrow('there is no master key of version 1');
  });

  it('does not re-wrap what is bound elsewhere', () => {
    expect(() => rotating.rewrap(sealed, { ...binding, rowId: 'other' })).toThrow(VaultError);
  });
});
