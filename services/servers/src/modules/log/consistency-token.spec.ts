import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createConsistencyTokens } from './consistency-token.ts';

const tokens = createConsistencyTokens(randomBytes(32));
const sequence = fc.maxSafeNat();

describe('a consistency token', () => {
  it('names its sequence to its own database, and to no other', () => {
    fc.assert(
      fc.property(fc.uuid(), sequence, (databaseId, given) => {
        const token = tokens.encode(databaseId, given);
        expect(tokens.decode(databaseId, token)).toBe(given);
        expect(token.length).toBeLessThanOrEqual(128);
        expect(() => tokens.decode(randomUUID(), token)).toThrow('is of another database');
      }),
    );
  });

  it('is refused when anything about it was changed', () => {
    const databaseId = randomUUID();
    const token = tokens.encode(databaseId, 7);
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'ABCxyz019-_'), (at, letter) => {
        const forged = token.slice(0, at) + letter + token.slice(at + 1);
        fc.pre(forged !== token);
        expect(() => tokens.decode(databaseId, forged)).toThrow('is malformed');
      }),
    );
    expect(() => tokens.decode(databaseId, `${token}A`)).toThrow('is malformed');
    expect(() => createConsistencyTokens(randomBytes(32)).decode(databaseId, token)).toThrow('is malformed');
  });

  it('that is empty asks for nothing', () => {
    expect(tokens.decode(randomUUID(), '')).toBe(0);
  });
});
