import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { loadContracts } from './contracts/contracts.ts';
import { bindingsOf } from './routing/binding.ts';
import { createTestGateway, type TestGateway } from './testing/gateway.ts';
import { KNOWN_ID } from './testing/services.ts';

let test: TestGateway;

beforeAll(async () => {
  test = await createTestGateway();
});
afterAll(() => test.gateway.stop());

/** Every unary route of the services in memory, with all it can be asked. */
const ROUTES = loadContracts()
  .methods.flatMap(bindingsOf)
  .filter(({ method, backend }) => method.methodKind === 'unary' && backend !== 'memory')
  .map(({ httpMethod, template, method }) => ({
    httpMethod,
    path: template.replaceAll(/\{[^}]*\}/g, KNOWN_ID),
    names: method.input.fields.flatMap(({ jsonName, message }) => [
      jsonName,
      ...(message?.fields.map((field) => field.jsonName) ?? []),
    ]),
  }));

const awkward = fc.constantFrom<unknown>(
  null,
  '',
  0,
  -1,
  1e308,
  '9223372036854775808',
  'NaN',
  '\u0000',
  '\ud800',
  true,
  [],
  {},
  [[]],
  [null],
  { '': null },
  { toString: 1, constructor: { prototype: {} } },
);

it('answers nothing but its own problems, whatever a caller sends to any route', async () => {
  const request = fc.constantFrom(...ROUTES).chain(({ httpMethod, path, names }) => {
    const name = fc.oneof(fc.constantFrom(...names, 'pageSize', 'x'), fc.string());
    const body = fc.dictionary(name, fc.oneof(awkward, fc.jsonValue({ maxDepth: 3 })), { maxKeys: 4 });
    return fc.record({
      method: fc.oneof({ weight: 9, arbitrary: fc.constant(httpMethod) }, fc.constantFrom('GET', 'PUT', 'DELETE')),
      url: fc
        .array(fc.tuple(name, fc.string({ unit: 'grapheme' })), { maxLength: 2 })
        .map((query) => `${path}?${new URLSearchParams(query).toString()}`),
      payload: fc.oneof(
        body.map((json) => JSON.stringify(json)),
        fc.string({ unit: 'binary' }),
        fc.constantFrom('{"a":1,"a":2}', '{"__proto__":{"a":1}}', '['.repeat(5_000), '""', 'null'),
      ),
      headers: fc.record(
        {
          'content-type': fc.constantFrom('application/json', 'text/plain'),
          'if-match': fc.constantFrom('"a"', 'a', '*'),
          'request-timeout': fc.constantFrom('1', '0', 'x'),
        },
        { requiredKeys: [] },
      ),
    });
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ method, url, payload, headers }) => {
      const bodiless = method === 'GET' || method === 'DELETE';
      const response = await test.gateway.app.inject({
        method: method as 'GET',
        url,
        headers,
        ...(!bodiless && { payload }),
      });
      // 429 and 501 are what the services in memory answer of their own accord.
      expect([200, 400, 401, 404, 405, 415, 429, 501]).toContain(response.statusCode);
      const { requestId = response.headers['x-request-id'] } = response.json<{ requestId?: string }>();
      expect(requestId).toBe(response.headers['x-request-id']);
      const type = response.statusCode === 200 ? 'application/json' : 'application/problem+json';
      expect(response.headers['content-type']).toMatch(type);
    }),
    { numRuns: 600 },
  );
});
