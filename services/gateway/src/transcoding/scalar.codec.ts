import { type DescEnum, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';

/** What a reader answers for a value that it refuses. */
export const INVALID = Symbol('invalid');

/** Reads one JSON value as a field keeps it. */
export interface ValueCodec {
  /** INVALID for anything but what `expected` says. Texts of a query are read by the same rules. */
  read(json: JsonValue): unknown;
  /** Ends the sentence "`field` …". */
  readonly expected: string;
}

const FLOAT_MAX = 3.4028234663852886e38;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const INTEGER = /^-?\d{1,20}$/;

/** The codec of a scalar type, by the JSON mapping of proto3. */
export function scalarCodec(type: ScalarType): ValueCodec {
  return CODECS[type];
}

/** The codec of an enum: a name, or the number of a value. Unknown numbers pass, as proto3 has it; the rules refuse them. */
export function enumCodec({ values, typeName }: DescEnum): ValueCodec {
  const numbers = new Map(values.map(({ name, number }) => [name, number]));
  const names = values.filter(({ name }) => !name.endsWith('_UNSPECIFIED')).map(({ name }) => name);
  const int32 = CODECS[ScalarType.INT32];
  const isNull = typeName === 'google.protobuf.NullValue';
  return {
    expected: `must be one of ${names.join(', ')}`,
    read(json) {
      if (typeof json === 'string') return numbers.get(json) ?? int32.read(json);
      return isNull && json === null ? 0 : int32.read(json);
    },
  };
}

/** True when every item is a number that a field of this type can hold. Such a list is used as it is, without a copy. */
export function isNumberList(list: readonly JsonValue[], type: ScalarType): list is readonly number[] {
  if (type !== ScalarType.FLOAT && type !== ScalarType.DOUBLE) return false;
  const max = type === ScalarType.FLOAT ? FLOAT_MAX : Number.MAX_VALUE;
  for (let index = 0; index < list.length; index++) {
    const value = list[index];
    if (typeof value !== 'number' || !(value <= max && value >= -max)) return false;
  }
  return true;
}

const string: ValueCodec = {
  expected: 'must be a string of valid Unicode',
  read: (json) => (typeof json === 'string' && json.isWellFormed() ? json : INVALID),
};

const bool: ValueCodec = {
  expected: 'must be true or false',
  read: (json) => (typeof json === 'boolean' ? json : INVALID),
};

const bytes: ValueCodec = {
  expected: 'must be a string in base64',
  read(json) {
    if (typeof json !== 'string') return INVALID;
    try {
      return base64Decode(json);
    } catch {
      return INVALID;
    }
  },
};

function floating(max: number, bits: number): ValueCodec {
  return {
    expected: `must be a number of ${bits} bits, or one of "NaN", "Infinity", "-Infinity"`,
    read(json) {
      if (json === 'NaN') return Number.NaN;
      if (json === 'Infinity') return Number.POSITIVE_INFINITY;
      if (json === '-Infinity') return Number.NEGATIVE_INFINITY;
      const value = typeof json === 'string' && NUMBER.test(json) ? Number(json) : json;
      return typeof value === 'number' && value <= max && value >= -max ? value : INVALID;
    },
  };
}

function integer32(min: number, max: number): ValueCodec {
  return {
    expected: `must be a whole number from ${min} to ${max}`,
    read(json) {
      const value = typeof json === 'string' && NUMBER.test(json) ? Number(json) : json;
      // Minus zero is a number of JSON, and none of protobuf.
      return Number.isInteger(value) && (value as number) >= min && (value as number) <= max
        ? (value as number) + 0
        : INVALID;
    },
  };
}

function integer64(min: bigint, max: bigint): ValueCodec {
  return {
    expected: `must be a whole number from ${min} to ${max}, beyond 2^53 as a string`,
    read(json) {
      // A number beyond 2^53 has lost its last digits before anybody could read them.
      if (typeof json === 'number' ? !Number.isSafeInteger(json) : typeof json !== 'string' || !INTEGER.test(json)) {
        return INVALID;
      }
      const value = BigInt(json as string | number);
      return value >= min && value <= max ? value : INVALID;
    },
  };
}

const int32 = integer32(-(2 ** 31), 2 ** 31 - 1);
const uint32 = integer32(0, 2 ** 32 - 1);
const int64 = integer64(-(2n ** 63n), 2n ** 63n - 1n);
const uint64 = integer64(0n, 2n ** 64n - 1n);

const CODECS: Readonly<Record<ScalarType, ValueCodec>> = {
  [ScalarType.STRING]: string,
  [ScalarType.BOOL]: bool,
  [ScalarType.BYTES]: bytes,
  [ScalarType.FLOAT]: floating(FLOAT_MAX, 32),
  [ScalarType.DOUBLE]: floating(Number.MAX_VALUE, 64),
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64,
};
