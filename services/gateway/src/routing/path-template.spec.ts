import { describe, expect, it } from '@jest/globals';
import { parsePathTemplate } from './path-template.ts';

describe('parsePathTemplate', () => {
  it('reads literals, variables and a verb', () => {
    expect(parsePathTemplate('/v1/servers/{server_id}:testConnection')).toEqual({
      text: '/v1/servers/{server_id}:testConnection',
      segments: ['v1', 'servers', '*'],
      variables: [{ path: ['server_id'], start: 2, end: 3, multiple: false }],
      verb: 'testConnection',
    });
  });

  it('reads variables over several segments, and names of nested fields', () => {
    const { segments, variables } = parsePathTemplate('/v1/{a.b=shelves/*}/x/{rest=**}:go');
    expect(segments).toEqual(['v1', 'shelves', '*', 'x', '**']);
    expect(variables).toEqual([
      { path: ['a', 'b'], start: 1, end: 3, multiple: true },
      { path: ['rest'], start: 4, end: -1, multiple: true },
    ]);
  });

  it('takes the root, wildcards without a name and names with dots', () => {
    expect(parsePathTemplate('/').segments).toEqual(['']);
    expect(parsePathTemplate('/v1/*/**').segments).toEqual(['v1', '*', '**']);
    expect(parsePathTemplate('/.well-known/jwks.json').segments).toEqual(['.well-known', 'jwks.json']);
  });

  it.each([
    ['v1/servers', 'must start with "/"'],
    ['/v1//servers', 'segment "" is not a literal'],
    ['/v1/servers/', 'segment "" is not a literal'],
    ['/v1/**/servers', '"**" must be the last segment'],
    ['/v1/{Server}', '"Server" is not a field path'],
    ['/v1/{a}/{a}', 'a variable stands twice'],
    ['/v1/a b', 'segment "a b" is not a literal'],
    ['/v1/servers:', 'verb "" is not a literal'],
    ['/v1/{a', 'segment "{a" is not a literal'],
    ['/v1/x{a}', 'segment "x{a}" is not a literal'],
  ])('refuses %s', (text, why) => {
    expect(() => parsePathTemplate(text)).toThrow(why);
  });
});
