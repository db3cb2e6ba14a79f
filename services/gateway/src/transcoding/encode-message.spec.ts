import { create, createRegistry, fromBinary, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { anyPack, DurationSchema, TimestampSchema, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { OperationSchema } from '@morag/gen/google/longrunning/operations_pb.ts';
import { ServerSchema } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { ListServersResponseSchema } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import fc from 'fast-check';
import { everyType } from '../testing/every-type.ts';
import { messageReader } from './decode-message.ts';
import { createJsonWriters, type JsonWriters } from './encode-message.ts';
import type { OpenMessage } from './message.ts';
import { timestampText } from './timestamp-text.ts';

const { message: every } = everyType();
const registry = createRegistry(every, ServerSchema, DurationSchema);
let writers: JsonWriters;

beforeAll(() => {
  writers = createJsonWriters(registry);
});

function messageOf(json: JsonValue): OpenMessage {
  const decoding = { violations: [] };
  const message = messageReader(every)(json, '', decoding) as OpenMessage;
  expect(decoding.violations).toEqual([]);
  // As it comes from a service.
  return fromBinary(every, toBinary(every, message)) as OpenMessage;
}

function expectAsLibrary(message: OpenMessage): void {
  const text = writers.message(every)(message);
  const json = toJson(every, message, { registry, alwaysEmitImplicit: true });
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(json)));
}

const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const double = fc.double().map((value): JsonValue => (Number.isFinite(value) ? value : String(value)));
const name = text.filter((value) => value !== '__proto__');

const { tree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.record(
    {
      aDouble: double,
      aFloat: double.map((value) => (typeof value === 'number' ? Math.fround(value % 1e30) : value)),
      anInt32: fc.integer(),
      aUint32: fc.nat(),
      anInt64: int64,
      aBool: fc.boolean(),
      aString: text,
      aBytes: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
      anEnum: fc.constantFrom('RED', 'GREEN', 77),
      optionalInt32: fc.integer(),
      strings: fc.array(text),
      floats: fc.array(fc.float().map((value): JsonValue => (Number.isFinite(value) ? value : String(value)))),
      int64s: fc.array(int64),
      enums: fc.array(fc.constantFrom('RED', 'GREEN')),
      wrappers: fc.array(text),
      byName: fc.dictionary(name, fc.integer()),
      byFlag: fc.record({ true: fc.constantFrom('RED', 'GREEN') }, { requiredKeys: [] }),
      wrapped: int64,
      duration: fc.integer({ min: -1e9, max: 1e9 }).map((ms) => `${(ms / 1000).toFixed(3)}s`),
      timestamp: fc
        .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
        .map((d) => d.toISOString()),
      struct: fc
        .dictionary(name, fc.jsonValue({ maxDepth: 3 }))
        .filter((json) => !JSON.stringify(json).includes('__proto__')),
      value: fc.jsonValue({ maxDepth: 2 }).filter((json) => !JSON.stringify(json).includes('__proto__')),
      child: fc.oneof({ depthSize: 'small' }, fc.constant({}), tie('tree')),
      children: fc.array(fc.oneof({ depthSize: 'small' }, fc.constant({}), tie('tree')), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<JsonValue>,
}));

describe('a message', () => {
  it('is written as protobuf-es writes it, whatever it holds', () => {
    fc.assert(
      fc.property(tree, (json) => expectAsLibrary(messageOf(json))),
      { numRuns: 40 },
    );
  });

  it.each<[string, JsonValue]>([
    ['nothing', {}],
    ['one member of a oneof at its zero', { left: '' }],
    ['another one', { right: 0 }],
    ['a wrapper in a oneof', { wrappedMember: false }],
    ['an optional zero', { optionalInt32: 0 }],
    [
      'maps of every key',
      { byFlag: { true: 'RED', false: 'GREEN' }, byNumber: { '-1': { aString: 'x' } }, byName: { '"': 1 } },
    ],
    ['a mask', { fieldMask: 'aString,child.anInt32' }],
    ['a null', { value: null }],
    ['numbers that JSON does not know', { aDouble: 'NaN', aFloat: '-Infinity', floats: [1, 'NaN'] }],
  ])('with %s is written as protobuf-es writes it', (_what, json) => {
    expectAsLibrary(messageOf(json));
  });

  it('is written without what only callers set, at any depth', () => {
    const server = create(ServerSchema, { name: 'one', password: 'hunter2', apiKey: 'key' });
    const list = create(ListServersResponseSchema, { servers: [server] });
    const written = writers.message(ListServersResponseSchema)(list);
    expect(JSON.parse(written)).toMatchObject({ servers: [{ name: 'one', hasPassword: false }], nextPageToken: '' });
    expect(written).not.toMatch(/hunter2|"password"|"apiKey"/);
  });

  it('shows what an Any holds', () => {
    const metadata = anyPack(DurationSchema, create(DurationSchema, { seconds: 5n }));
    const operation = create(OperationSchema, { name: 'operations/1', metadata });
    expect(JSON.parse(writers.message(OperationSchema)(operation as unknown as OpenMessage))).toEqual({
      name: 'operations/1',
      done: false,
      metadata: { '@type': 'type.googleapis.com/google.protobuf.Duration', value: '5s' },
    });
  });
});

describe('timestampText', () => {
  it.each([
    [0n, 0, '1970-01-01T00:00:00Z'],
    [-1n, 999_999_999, '1969-12-31T23:59:59.999999999Z'],
    [1_769_846_399n, 5_000_000, '2026-01-31T07:59:59.005Z'],
    [1_769_846_399n, 5_000, '2026-01-31T07:59:59.000005Z'],
    [-62_135_596_800n, 0, '0001-01-01T00:00:00Z'],
    [253_402_300_799n, 1, '9999-12-31T23:59:59.000000001Z'],
  ])('writes %d s and %d ns as %s', (seconds, nanos, expected) => {
    expect(timestampText(create(TimestampSchema, { seconds, nanos }))).toBe(expected);
  });

  it('refuses what RFC 3339 cannot say', () => {
    expect(() => timestampText(create(TimestampSchema, { seconds: 253_402_300_800n }))).toThrow(RangeError);
  });

  it('writes any time as the library does', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const timestamp = timestampFromDate(date);
          expect(timestampText(timestamp)).toBe(toJson(TimestampSchema, timestamp));
        },
      ),
    );
  });
});
