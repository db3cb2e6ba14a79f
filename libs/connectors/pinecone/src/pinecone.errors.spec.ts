import { describe, expect, it } from '@jest/globals';
import { ConnectorError } from '@morag/connectors-core';
import { hasStatus, pineconeError, refusalError } from './pinecone.errors.ts';

const origin = { vendor: 'pinecone', operation: 'query' } as const;
const same = (text: string) => text;
const refused = (status: number, body: string, headers = {}) => refusalError({ status, headers, body }, origin, same);

describe('refusalError', () => {
  it.each([
    [400, 'invalid_argument'],
    [401, 'unauthenticated'],
    [402, 'permission_denied'],
    [403, 'permission_denied'],
    [404, 'not_found'],
    [412, 'conflict'],
    [422, 'invalid_argument'],
    [429, 'rate_limited'],
    [500, 'internal'],
    [503, 'unavailable'],
  ])('takes %d for %s', (status, category) => {
    expect(refused(status, '')).toMatchObject({ category, httpStatus: status });
  });

  it.each([
    [
      'the control plane',
      '{"status":404,"error":{"code":"NOT_FOUND","message":"Resource x not found"}}',
      'NOT_FOUND',
      'Resource x not found',
    ],
    ['the data plane', '{"code":3,"message":"Vector dimension 3","details":[]}', '3', 'Vector dimension 3'],
    ['a proxy', 'upstream connect error', undefined, 'upstream connect error'],
    ['nothing', '', undefined, 'Pinecone answers with status 400.'],
    ['null', 'null', undefined, 'null'],
  ])('reads the words of %s', (_, body, vendorCode, message) => {
    const error = refused(400, body);
    expect([error.vendorCode, error.message]).toEqual([vendorCode, message]);
  });

  it('knows when to come back', () => {
    expect(refused(429, '{}', { 'retry-after': '30' })).toMatchObject({ retryAfterMs: 30_000, retryable: true });
  });
});

/** As the SDK wraps what its `fetch` rejects with. */
const wrapped = (cause: unknown) =>
  Object.assign(new Error('Request failed to reach Pinecone.', { cause }), { name: 'PineconeConnectionError' });

describe('pineconeError', () => {
  it('finds the answer in what the SDK made of it', () => {
    const inner = refused(429, 'slow down');
    expect(pineconeError(wrapped(inner), origin, same)).toBe(inner);
    expect(hasStatus(wrapped(inner), 429)).toBe(true);
    expect(hasStatus(new Error('other'), 429)).toBe(false);
  });

  it('finds what the socket said', () => {
    const refusedSocket = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(pineconeError(wrapped(refusedSocket), origin, same)).toMatchObject({
      category: 'unavailable',
      vendorCode: 'ECONNREFUSED',
    });
  });

  it.each([
    [wrapped(new SyntaxError('Unexpected token <')), 'protocol'],
    [new TypeError("Cannot read properties of undefined (reading 'map')"), 'protocol'],
    [Object.assign(new Error('apiKey'), { name: 'PineconeConfigurationError' }), 'unauthenticated'],
    [Object.assign(new Error('Must pass'), { name: 'PineconeArgumentError' }), 'invalid_argument'],
    [new Error('?'), 'internal'],
    [undefined, 'internal'],
  ])('categorises %s', (error, category) => {
    const made = pineconeError(error, origin, same);
    expect(made).toBeInstanceOf(ConnectorError);
    expect(made.category).toBe(category);
  });
});
