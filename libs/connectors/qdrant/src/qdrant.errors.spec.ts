import { describe, expect, it } from '@jest/globals';
import type { Answer } from '@morag/egress';
import { qdrantError } from './qdrant.errors.ts';

const ORIGIN = { vendor: 'qdrant', operation: 'query' } as const;
const translate = (answer: Answer, data?: unknown) =>
  qdrantError(Object.assign(new Error('Bad Request'), { data }), ORIGIN, answer, (text) =>
    text.replaceAll('s3cret', '…'),
  );
const saying = (text: string) => ({ status: { error: text }, time: 0 });

describe('qdrantError', () => {
  it.each([
    [400, 'Wrong input: Vector dimension error: expected dim: 4, got 3', 'invalid_argument'],
    [422, 'Validation error in JSON body: [limit: value 0 invalid]', 'invalid_argument'],
    [400, 'JSON payload (41943040 bytes) is larger than allowed (limit: 33554432 bytes).', 'payload_too_large'],
    [
      400,
      "Wrong input: Can't create collection with name c. Alias with the same name already exists",
      'already_exists',
    ],
    [403, 'Forbidden: Global manage access is required', 'permission_denied'],
    [404, "Not found: Collection `c` doesn't exist!", 'not_found'],
    [409, 'Wrong input: Collection `c` already exists!', 'already_exists'],
    [408, 'Timeout', 'timeout'],
    [500, 'Service internal error: No space left on device', 'internal'],
    [503, 'shard is not ready', 'unavailable'],
  ])('reads %i %s', (status, text, category) => {
    expect(translate({ status }, saying(text))).toMatchObject({ category, message: text, httpStatus: status });
  });

  it('tells a missing record from a missing collection', () => {
    const error = translate({ status: 404 }, saying('Not found: No point with id 999 found'));
    expect(error).toMatchObject({ category: 'not_found', vendorCode: 'RECORD_NOT_FOUND' });
  });

  it('reads the plain text that refuses a key', () => {
    expect(translate({ status: 401 }, 'Invalid API key or JWT')).toMatchObject({
      category: 'unauthenticated',
      message: 'Invalid API key or JWT',
    });
  });

  it('reads all digits of Retry-After, of which the SDK reads one', () => {
    const error = translate({ status: 429, headers: { 'retry-after': '20' } });
    expect(error).toMatchObject({ category: 'rate_limited', retryAfterMs: 20_000, retryable: true });
  });

  it('takes an empty 404, and an answer that cannot be read, for another program', () => {
    expect(translate({ status: 404 }, '')).toMatchObject({ category: 'protocol' });
    expect(translate({ status: 200 })).toMatchObject({ category: 'protocol' });
  });

  it('shows no secret, and reads what the socket said', () => {
    expect(translate({ status: 500 }, saying('key s3cret')).message).toBe('key …');
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(translate({ error: refused })).toMatchObject({ category: 'unavailable' });
    expect(translate({})).toMatchObject({ category: 'internal' });
  });
});
