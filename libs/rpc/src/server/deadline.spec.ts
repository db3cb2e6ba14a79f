import { describe, expect, it } from '@jest/globals';
import { boundDeadline } from './deadline.ts';

const bounds = { deadlineMsDefault: 30_000, deadlineMsMax: 600_000 };
const unbounded = { deadlineMsDefault: undefined, deadlineMsMax: 2 ** 31 - 1 };

describe('boundDeadline', () => {
  it.each([
    ['none', {}, bounds, 'connect-timeout-ms', '30000'],
    ['a short one', { 'connect-timeout-ms': '5' }, bounds, 'connect-timeout-ms', '5'],
    ['a long one', { 'connect-timeout-ms': '600001' }, bounds, 'connect-timeout-ms', '600000'],
    ['a malformed one', { 'connect-timeout-ms': 'soon' }, bounds, 'connect-timeout-ms', 'soon'],
    ['none for gRPC', { 'content-type': 'application/grpc' }, bounds, 'grpc-timeout', '30000m'],
    [
      'a long one for gRPC',
      { 'content-type': 'application/grpc-web+proto', 'grpc-timeout': '1H' },
      bounds,
      'grpc-timeout',
      '600000m',
    ],
    [
      'one beyond any timer',
      { 'content-type': 'application/grpc', 'grpc-timeout': '99999999H' },
      unbounded,
      'grpc-timeout',
      '2147483S',
    ],
    ['none, of a stream', {}, unbounded, 'connect-timeout-ms', null],
  ])('with %s', (_, given, limits, name, expected) => {
    const header = new Headers(Object.entries(given));
    boundDeadline(header, limits);
    expect(header.get(name)).toBe(expected);
  });
});
