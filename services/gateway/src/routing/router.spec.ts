import { describe, expect, it } from '@jest/globals';
import { DomainError } from '@morag/errors';
import fc from 'fast-check';
import { createRouter, type RouteEntry } from './router.ts';

function routerOf(...routes: string[]) {
  return createRouter(
    routes.map((route): RouteEntry<string> => {
      const [httpMethod = '', template = ''] = route.split(' ');
      return { httpMethod, template, target: route };
    }),
  );
}

function failureOf(run: () => unknown): DomainError {
  try {
    run();
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const router = routerOf(
  'GET /v1/servers',
  'POST /v1/servers',
  'GET /v1/servers/{server_id}',
  'PATCH /v1/servers/{server_id}',
  'GET /v1/servers/special',
  'POST /v1/servers/{server_id}:test',
  'POST /v1/servers:test',
  'GET /v1/servers/{server_id}/collections/{collection}',
  'GET /v1/{name=operations/**}',
  'DELETE /v1/{name=operations/**}:cancel',
);

describe('a router', () => {
  it.each([
    ['GET', '/v1/servers', 'GET /v1/servers', []],
    ['HEAD', '/v1/servers', 'GET /v1/servers', []],
    ['GET', '/v1/servers/a', 'GET /v1/servers/{server_id}', ['a']],
    ['GET', '/v1/servers/special', 'GET /v1/servers/special', []],
    ['PATCH', '/v1/servers/special', 'PATCH /v1/servers/{server_id}', ['special']],
    ['GET', '/v1/%73ervers/a', 'GET /v1/servers/{server_id}', ['a']],
    ['POST', '/v1/servers/a:test', 'POST /v1/servers/{server_id}:test', ['a']],
    ['POST', '/v1/servers/a:b:test', 'POST /v1/servers/{server_id}:test', ['a:b']],
    ['POST', '/v1/servers:test', 'POST /v1/servers:test', []],
    ['GET', '/v1/servers/a%3Atest', 'GET /v1/servers/{server_id}', ['a:test']],
    ['GET', '/v1/servers/a:test', 'GET /v1/servers/{server_id}', ['a:test']],
    ['GET', '/v1/servers/a%2Fb', 'GET /v1/servers/{server_id}', ['a/b']],
    ['GET', '/v1/servers/a%252Fb', 'GET /v1/servers/{server_id}', ['a%2Fb']],
    ['GET', '/v1/servers/..', 'GET /v1/servers/{server_id}', ['..']],
    [
      'GET',
      '/v1/servers/%F0%9F%A6%86/collections/x+y',
      'GET /v1/servers/{server_id}/collections/{collection}',
      ['🦆', 'x+y'],
    ],
    ['GET', '/v1/operations/a/b%2Fc/%C3%BC', 'GET /v1/{name=operations/**}', ['operations/a/b%2Fc/ü']],
    ['DELETE', '/v1/operations/a:cancel', 'DELETE /v1/{name=operations/**}:cancel', ['operations/a']],
  ])('leads %s %s to %s', (method, path, target, values) => {
    expect(router.match(method, path)).toEqual({ target, values });
  });

  it.each([
    '/',
    '/v1',
    '/v1/',
    '/v1/servers/',
    '//v1/servers',
    '/v1/servers/a/',
    '/v1/servers%2Fa',
    '/v1/servers/a%2Fcollections%2Fb/x',
    '/v1/servers:nothing',
    '/V1/servers',
    'v1/servers',
    '*',
    '',
  ])('finds nothing at %j', (path) => {
    expect(failureOf(() => router.match('GET', path)).reason).toBe('ROUTE_NOT_FOUND');
  });

  it('says which methods a path takes, over all templates that match it', () => {
    const { reason, metadata } = failureOf(() => router.match('PUT', '/v1/servers/special'));
    expect({ reason, metadata }).toEqual({ reason: 'METHOD_NOT_ALLOWED', metadata: { allow: 'GET, HEAD, PATCH' } });
    expect(failureOf(() => router.match('GET', '/v1/servers:test')).metadata).toEqual({ allow: 'POST' });
  });

  it.each(['/v1/servers/%', '/v1/servers/%zz', '/v1/servers/%C3', '/v1/servers/%ED%A0%80', '/v1/x:%zz'])(
    'refuses the encoding of %s',
    (path) => {
      expect(failureOf(() => router.match('GET', path)).reason).toBe('INVALID_ARGUMENT');
    },
  );

  it('refuses two templates for the same requests', () => {
    expect(() => routerOf('GET /v1/{a}/x', 'GET /v1/{b}/x')).toThrow('match the same paths');
    expect(() => routerOf('GET /v1/{a=*}', 'GET /v1/*')).toThrow('match the same paths');
    expect(() => routerOf('GET /v1/{a}', 'GET /v1/{a}:x', 'POST /v1/{a}', 'GET /v1/x')).not.toThrow();
  });

  it('gives back every value that was put into a path', () => {
    const value = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(value, value, (server, collection) => {
        const path = `/v1/servers/${encodeURIComponent(server)}/collections/${encodeURIComponent(collection)}`;
        expect(router.match('GET', path).values).toEqual([server, collection]);
      }),
    );
  });

  it('finds each template of any table by a path made from it', () => {
    const segment = fc.oneof(fc.stringMatching(/^[a-z]{1,3}$/), fc.constantFrom('{a}', '{b}'));
    const template = fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => {
      let count = 0;
      return `/${parts.map((part) => (part.startsWith('{') ? `{v${count++}}` : part)).join('/')}`;
    });
    const shape = (text: string): string => text.replaceAll(/\{v\d\}/g, '*');
    fc.assert(
      fc.property(fc.uniqueArray(template, { selector: shape, minLength: 1, maxLength: 20 }), (templates) => {
        const table = routerOf(...templates.map((text) => `GET ${text}`));
        for (const text of templates) {
          // A value that is no literal of the table, so that only this template matches.
          const path = text.replaceAll(/\{v\d\}/g, 'VALUE');
          expect(shape(table.match('GET', path).target)).toBe(`GET ${shape(text)}`);
        }
      }),
    );
  });

  it('never fails otherwise than with a reason, whatever the path', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (path) => {
        let reason = 'none';
        try {
          router.match('GET', `/${path}`);
        } catch (error) {
          reason = error instanceof DomainError ? error.reason : 'another error';
        }
        expect(['none', 'ROUTE_NOT_FOUND', 'METHOD_NOT_ALLOWED', 'INVALID_ARGUMENT']).toContain(reason);
      }),
    );
  });

  it('takes a path of thousands of segments in its stride', () => {
    const path = `/v1/servers${'/a'.repeat(8_000)}`;
    expect(failureOf(() => router.match('GET', path)).reason).toBe('ROUTE_NOT_FOUND');
  });
});
