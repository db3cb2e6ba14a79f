import { create, type DescMessage, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { protoSnakeCase } from '@bufbuild/protobuf/reflect';
import { DurationSchema, FieldMaskSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { INVALID, type ValueCodec } from './scalar.codec.ts';

/** The codec of a well-known type that has a JSON form of its own; undefined for every other message. */
export function wellKnownCodec(desc: DescMessage): ValueCodec | undefined {
  return CODECS[desc.typeName];
}

/** Whether a value of this type can be written as one text, and so stand in a path or query. */
export function isTextual(desc: DescMessage): boolean {
  return TEXTUAL.has(desc.typeName);
}

const DURATION = /^-?\d{1,12}(\.\d{1,9})?s$/;
const MASK_PATH = /^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$/;

const timestamp: ValueCodec = {
  expected: 'must be a time as in RFC 3339, for example 2026-01-31T08:00:00Z',
  read: (json) => attempt(() => fromJson(TimestampSchema, json)),
};

const duration: ValueCodec = {
  expected: 'must be a duration in seconds, for example 1.5s',
  read: (json) =>
    typeof json === 'string' && DURATION.test(json) ? attempt(() => fromJson(DurationSchema, json)) : INVALID,
};

const fieldMask: ValueCodec = {
  expected: 'must be names of fields separated by commas, for example name,isActive',
  read(json) {
    if (typeof json !== 'string') return INVALID;
    const names = json === '' ? [] : json.split(',');
    if (!names.every((name) => MASK_PATH.test(name))) return INVALID;
    return create(FieldMaskSchema, { paths: names.map(protoSnakeCase) });
  },
};

/** Kept by protobuf-es as the JSON object itself. */
const struct: ValueCodec = {
  expected: 'must be an object',
  read: (json) => (typeof json === 'object' && json !== null && !Array.isArray(json) ? json : INVALID),
};

const CODECS: Readonly<Record<string, ValueCodec>> = {
  'google.protobuf.Timestamp': timestamp,
  'google.protobuf.Duration': duration,
  'google.protobuf.FieldMask': fieldMask,
  'google.protobuf.Struct': struct,
};

const TEXTUAL: ReadonlySet<string> = new Set([
  TimestampSchema.typeName,
  DurationSchema.typeName,
  FieldMaskSchema.typeName,
]);

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return INVALID;
  }
}

/** A reader of `google.protobuf.Value` and `ListValue`, whose JSON is any JSON. */
export function anyJsonCodec(desc: DescMessage): ValueCodec | undefined {
  if (desc.typeName !== 'google.protobuf.Value' && desc.typeName !== 'google.protobuf.ListValue') return undefined;
  return { expected: 'must be a JSON value', read: (json: JsonValue) => attempt(() => fromJson(desc, json)) };
}
