import { equals, fromJson, type JsonValue, type Message, protoInt64, toBinary, toJson } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { everyType } from '../testing/every-type.ts';
import { messageReader } from './decode-message.ts';
import type { Decoding } from './decoding.ts';

const { message: every } = everyType();
const readEvery = messageReader(every);

function read(json: JsonValue) {
  const decoding: Decoding = { violations: [] };
  const message = readEvery(json, '', decoding) as Message;
  return { message, violations: decoding.violations };
}

/** Fields whose value is valid, and one that is not, each with how it reads back. */
const INT32 = [0, 1, -1, 2147483647, -2147483648, '7', 1e2, '1e2', 1.0] as const;
const INT64 = [0, 9007199254740991, -9007199254740991, '9007199254740993', '-9223372036854775808'] as const;

describe('a valid value', () => {
  it.each<[string, readonly JsonValue[]]>([
    ['aDouble', [0, -0, 1.5, 1e308, '1.5', 'NaN', 'Infinity', '-Infinity']],
    ['aFloat', [0, 1.5, 3.4028234663852886e38, '-1', 'NaN', 'Infinity']],
    ['anInt32', INT32],
    ['aSint32', INT32],
    ['aSfixed32', INT32],
    ['aUint32', [0, 4294967295, '4294967295']],
    ['aFixed32', [0, 4294967295]],
    ['anInt64', INT64],
    ['aSint64', INT64],
    ['aSfixed64', INT64],
    ['aUint64', [0, '18446744073709551615']],
    ['aFixed64', ['18446744073709551615']],
    ['aBool', [true, false]],
    ['aString', ['', 'Grüße 🦆', '\u0000']],
    ['aBytes', ['', 'AQID', 'AQI=', 'AQI', '_-8']],
    ['anEnum', ['RED', 0, 1, 2, 77]],
    ['optionalInt32', [0, 5]],
    ['child', [{}, { child: { aString: 'x' } }]],
    ['strings', [[], ['a', '']]],
    ['floats', [[], [1.5, -2], [1, 'NaN']]],
    ['int64s', [['9007199254740993', 5]]],
    ['enums', [['RED', 2]]],
    ['children', [[], [{}, { anInt32: 1 }]]],
    ['wrappers', [['a', '']]],
    ['left', ['']],
    ['right', [0]],
    ['wrappedMember', [true, false]],
    ['byName', [{}, { a: 1, constructor: 2 }]],
    ['byFlag', [{ true: 'RED', false: 'GREEN' }]],
    ['byNumber', [{ '9007199254740993': { aString: 'x' } }]],
    ['timestamp', ['2026-01-31T08:00:00Z', '2026-01-31T08:00:00.123456789+02:00', '0001-01-01T00:00:00Z']],
    ['duration', ['1s', '1.5s', '-0.000000001s', '315576000000s']],
    ['fieldMask', ['', 'aString,child.anInt32']],
    ['struct', [{}, { a: [1, 'x', null, { b: true }] }]],
    ['value', [null, 1, 'x', true, [1], { a: null }]],
    ['listValue', [[], [1, null]]],
    ['wrapped', ['9007199254740993', 5]],
  ])('of %s is read as protobuf-es reads it', (name, values) => {
    for (const value of values) {
      const { message, violations } = read({ [name]: value });
      expect(violations).toEqual([]);
      expect(toBinary(every, message)).toEqual(toBinary(every, fromJson(every, { [name]: value })));
    }
  });

  it('is null wherever a field may be left out', () => {
    const nulls = Object.fromEntries(
      every.fields.filter(({ jsonName }) => jsonName !== 'value').map(({ jsonName }) => [jsonName, null]),
    );
    const { message, violations } = read(nulls);
    expect(violations).toEqual([]);
    expect(toJson(every, message)).toEqual({});
  });

  it('may be given under the name of the proto', () => {
    expect(toJson(every, read({ a_string: 'x', an_int32: 2 }).message)).toEqual({ aString: 'x', anInt32: 2 });
  });

  it('survives the way through JSON, whatever it is', () => {
    const json = fc.record(
      {
        anInt64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
        aUint64: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String),
        anInt32: fc.integer(),
        aDouble: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
        aString: fc.string({ unit: 'grapheme', minLength: 1 }),
        floats: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(json, (value) => {
        const { message, violations } = read(value);
        expect(violations).toEqual([]);
        expect(equals(every, message, fromJson(every, value))).toBe(true);
      }),
    );
  });

  it('takes a list of numbers as it is', () => {
    const floats = [0.5, 1, 2];
    expect((read({ floats }).message as unknown as { floats: number[] }).floats).toBe(floats);
  });

  it('beyond 2^53 keeps all its digits', () => {
    const { message } = read({ anInt64: '9007199254740993' });
    expect((message as unknown as { anInt64: bigint }).anInt64).toBe(protoInt64.parse('9007199254740993'));
  });
});

describe('an invalid value', () => {
  it.each<[string, readonly JsonValue[], string]>([
    ['aDouble', [true, '', 'x', ' 1', '0x1', [], {}, 'nan'], 'must be a number of 64 bits'],
    ['aFloat', [1e39, '1e39', true], 'must be a number of 32 bits'],
    [
      'anInt32',
      [1.5, 2147483648, -2147483649, '1.5', '', '0x1', ' 1', true, 'NaN', [1]],
      'must be a whole number from -2147483648 to 2147483647',
    ],
    ['aUint32', [-1, 4294967296], 'must be a whole number from 0 to 4294967295'],
    [
      'anInt64',
      [9007199254740992, 1.5, '9223372036854775808', '1e3', '', true, {}],
      'must be a whole number from -9223372036854775808',
    ],
    ['aUint64', ['-1', '18446744073709551616', -1], 'must be a whole number from 0 to 18446744073709551615'],
    ['aBool', ['true', 0, 1, 'yes'], 'must be true or false'],
    ['aString', [1, true, {}, []], 'must be a string of valid Unicode'],
    ['aBytes', ['*', 1, 'A'], 'must be a string in base64'],
    ['anEnum', ['red', 'BLUE', 1.5, true, ''], 'must be one of RED, GREEN'],
    ['child', ['x', [], 1], 'must be an object'],
    ['strings', ['x', { 0: 'a' }], 'must be a list'],
    ['byName', [[], 'x'], 'must be an object'],
    [
      'timestamp',
      ['now', '2026-01-31', '2026-02-30T25:00:00Z', 0, '0000-01-01T00:00:00Z'],
      'must be a time as in RFC 3339',
    ],
    ['duration', ['1', '1.5', '5sx', '1.0000000001s', '1e3s', 5, '999999999999s'], 'must be a duration in seconds'],
    ['fieldMask', [['a'], 'a,,b', 'a b', '.a'], 'must be names of fields'],
    ['struct', ['x', [], 1], 'must be an object'],
    ['listValue', ['x', {}], 'must be a JSON value'],
    ['wrapped', [1.5, 'x'], 'must be a whole number'],
  ])('of %s is reported with what is expected', (name, values, expected) => {
    for (const value of values) {
      expect(read({ [name]: value }).violations).toEqual([
        { field: name, description: expect.stringContaining(expected) },
      ]);
    }
  });

  it('is reported with its place, and together with all others', () => {
    const { violations } = read({
      anInt32: 'x',
      child: { children: [{}, { strings: ['a', 1], nothing: 1 }] },
      byNumber: { '1': { aBool: 1 }, x: {} },
      floats: [1, null],
    });
    expect(violations.map(({ field }) => field)).toEqual([
      'anInt32',
      'child.children[1].strings[1]',
      'child.children[1].nothing',
      'byNumber["1"].aBool',
      'byNumber["x"]',
      'floats[1]',
    ]);
  });

  it('is an unknown name, one of a prototype too', () => {
    const json = JSON.parse('{"toString":1,"constructor":2,"__proto__":{"aString":"x"}}') as JsonValue;
    const { message, violations } = read(json);
    expect(violations.map(({ field }) => field)).toEqual(['toString', 'constructor', '__proto__']);
    expect(toJson(every, message)).toEqual({});
  });

  it('is a field under both its names', () => {
    expect(read({ aString: 'x', a_string: 'x' }).violations).toEqual([
      { field: 'aString', description: 'is given twice, also as a_string' },
    ]);
  });

  it('is a second member of a oneof', () => {
    expect(read({ left: 'x', right: 1 }).violations).toEqual([
      { field: 'right', description: 'cannot be given together with left' },
    ]);
  });

  it('is reported at most twenty times', () => {
    expect(read(Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`x${n}`, n]))).violations).toHaveLength(20);
  });
});
