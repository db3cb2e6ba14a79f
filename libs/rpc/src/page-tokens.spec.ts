import { describe, expect, it } from '@jest/globals';
import { DomainError } from '@morag/errors';
import { pageTokens } from './page-tokens.ts';

const tokens = pageTokens({ secret: 'a secret of this service' });
const binding = {
  caller: 'u-1',
  method: 'morag.servers.v1.ServerService/ListServers',
  query: { filter: 'a', orderBy: '' },
};
const cursor = ['2026-11-22T10:00:00.123456Z', '01a2041e-6848-74e1-a04e-a6659e40ca01'];

describe('a page token', () => {
  it('gives its cursor back', () => {
    expect(tokens.decode(binding, tokens.encode(binding, cursor))).toEqual(cursor);
  });

  it('when empty asks for the first page', () => {
    expect(tokens.decode(binding, '')).toBeUndefined();
  });

  it.each([
    ['caller', { ...binding, caller: 'u-2' }],
    ['method', { ...binding, method: 'other' }],
    ['query', { ...binding, query: { filter: 'b', orderBy: '' } }],
  ])('is refused for another %s', (_, other) => {
    expect(() => tokens.decode(other, tokens.encode(binding, cursor))).toThrow(
      expect.objectContaining({ reason: 'INVALID_PAGE_TOKEN' }),
    );
  });

  it('is refused under another secret', () => {
    const foreign = pageTokens({ secret: 'another' }).encode(binding, cursor);
    expect(() => tokens.decode(binding, foreign)).toThrow(DomainError);
  });

  it.each(['x', '.', 'a.b', 'a.b.c', 'ä.ö', `${'a'.repeat(5_000)}.b`])('is refused when it is %j', (token) => {
    expect(() => tokens.decode(binding, token)).toThrow(
      expect.objectContaining({ violations: [{ field: 'pageToken', description: expect.any(String) }] }),
    );
  });

  it('is refused after any change of a character', () => {
    const token = tokens.encode(binding, cursor);
    const changed = [...token].map((character, at) => {
      const other = character === 'A' ? 'B' : 'A';
      return token.slice(0, at) + other + token.slice(at + 1);
    });
    // The last character of base64 may hold bits that mean nothing.
    for (const each of changed.slice(0, -1)) expect(() => tokens.decode(binding, each)).toThrow(DomainError);
  });
});
