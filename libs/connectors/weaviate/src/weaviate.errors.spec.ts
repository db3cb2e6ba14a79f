import { describe, expect, it } from '@jest/globals';
import { NoLine, RestFailure, weaviateError } from './weaviate.errors.ts';

const ORIGIN = { vendor: 'weaviate', operation: 'query' } as const;
const told = (error: unknown) => weaviateError(error, ORIGIN, (text) => text.replaceAll('s3cret', '***'));
const grpc = (status: string, text: string) =>
  new Error(`Query call with protocol gRPC failed with message: /weaviate.v1.Weaviate/Search ${status}: ${text}`);

describe('weaviateError', () => {
  it.each([
    ['UNAUTHENTICATED', 'unauthorized: invalid api key', 'unauthenticated'],
    ['PERMISSION_DENIED', 'rbac: forbidden', 'permission_denied'],
    ['RESOURCE_EXHAUSTED', 'too many requests', 'rate_limited'],
    ['UNAVAILABLE', 'no healthy upstream', 'unavailable'],
    ['UNKNOWN', 'could not find class X in schema', 'not_found'],
    ['UNKNOWN', 'tenant not found: "t"', 'not_found'],
    ['UNKNOWN', "vector lengths don't match: 3 vs 4", 'invalid_argument'],
    ['RESOURCE_EXHAUSTED', 'grpc: received message larger than max', 'payload_too_large'],
    ['UNKNOWN', 'something else', 'internal'],
  ])('takes %s, "%s", for %s', (status, text, category) => {
    expect(told(grpc(status, text))).toMatchObject({ category, message: text, vendorCode: status });
  });

  it('goes by the status of REST, and by the text where the status says little', () => {
    expect(told(new RestFailure(429, { 'retry-after': '7' }, 'slow down'))).toMatchObject({
      category: 'rate_limited',
      retryAfterMs: 7_000,
      httpStatus: 429,
    });
    expect(told(new RestFailure(422, {}, 'class name X already exists'))).toMatchObject({ category: 'already_exists' });
    expect(told(new RestFailure(422, {}, 'bad s3cret'))).toMatchObject({
      category: 'invalid_argument',
      message: 'bad ***',
    });
    expect(told(new RestFailure(500, {}, 'boom'))).toMatchObject({ category: 'internal' });
  });

  it('says which port refused, and repeats what may pass', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(told(new NoLine(50_051, refused))).toMatchObject({
      category: 'unavailable',
      retryable: true,
      vendorCode: 'ECONNREFUSED',
      message: 'gRPC, port 50051: Nothing listens at this host and port.',
    });
  });
});
