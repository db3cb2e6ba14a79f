import { type DescField, type DescMessage, type JsonObject, ScalarType } from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { isOutputOnly } from '@morag/rpc';
import { type Decoding, type JsonReader, pathOf, report } from './decoding.ts';
import { createMessage, type OpenMessage, rivalOf, setField } from './message.ts';
import { enumCodec, INVALID, isNumberList, scalarCodec, type ValueCodec } from './scalar.codec.ts';
import { anyJsonCodec, wellKnownCodec } from './well-known.codec.ts';

interface FieldPlan {
  readonly field: DescField;
  readonly read: JsonReader;
  readonly outputOnly: boolean;
}

const messageReaders = new WeakMap<DescMessage, JsonReader>();
const fieldReaders = new WeakMap<DescField, JsonReader>();

/**
 * The reader of a message type, compiled once. Beside the JSON mapping of proto3 it drops output-only fields unread, reports
 * every fault with its path (unknown names among them), and takes a list of numbers as it is.
 */
export function messageReader(desc: DescMessage): JsonReader {
  let reader = messageReaders.get(desc);
  if (reader === undefined) {
    reader = compileMessage(desc);
    messageReaders.set(desc, reader);
  }
  return reader;
}

/** The reader of a field's value, compiled once. */
export function fieldReader(field: DescField): JsonReader {
  let reader = fieldReaders.get(field);
  if (reader === undefined) {
    reader = compileField(field);
    fieldReaders.set(field, reader);
  }
  return reader;
}

function compileMessage(desc: DescMessage): JsonReader {
  const codec = wellKnownCodec(desc) ?? anyJsonCodec(desc);
  if (codec !== undefined) return codecReader(codec);
  if (isWrapperDesc(desc)) return wrapperReader(desc);
  // Filled on first use, so that a type may contain itself.
  let plans: ReadonlyMap<string, FieldPlan> | undefined;
  return (json, at, decoding) => {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      report(decoding, at, 'must be an object');
      return INVALID;
    }
    plans ??= planFields(desc);
    return readObject(desc, plans, json, { at, decoding });
  };
}

function planFields(desc: DescMessage): ReadonlyMap<string, FieldPlan> {
  const plans = new Map<string, FieldPlan>();
  for (const field of desc.fields) {
    const plan = { field, read: fieldReader(field), outputOnly: isOutputOnly(field) };
    plans.set(field.name, plan).set(field.jsonName, plan);
  }
  return plans;
}

function readObject(
  desc: DescMessage,
  plans: ReadonlyMap<string, FieldPlan>,
  json: JsonObject,
  { at, decoding }: { at: string; decoding: Decoding },
): OpenMessage {
  const message = createMessage(desc);
  for (const name of Object.keys(json)) {
    const plan = plans.get(name);
    if (plan === undefined) {
      report(decoding, at === '' ? name : `${at}.${name}`, 'is not a known field');
      continue;
    }
    const { field, read, outputOnly } = plan;
    const value = json[name];
    if (outputOnly || value === undefined) continue;
    const path = pathOf(at, field);
    if (name !== field.jsonName && Object.hasOwn(json, field.jsonName)) {
      report(decoding, path, `is given twice, also as ${field.name}`);
      continue;
    }
    if (value === null && !takesNull(field)) continue;
    const rival = rivalOf(message, field);
    if (rival !== undefined) {
      report(decoding, path, `cannot be given together with ${rival}`);
      continue;
    }
    const result = read(value, path, decoding);
    if (result !== INVALID) setField(message, field, result);
  }
  return message;
}

function takesNull(field: DescField): boolean {
  if (field.fieldKind === 'message') return field.message.typeName === 'google.protobuf.Value';
  return field.fieldKind === 'enum' && field.enum.typeName === 'google.protobuf.NullValue';
}

function compileField(field: DescField): JsonReader {
  switch (field.fieldKind) {
    case 'list':
      return listReader(field);
    case 'map':
      return mapReader(field);
    case 'message':
      // protobuf-es keeps a wrapper as its value, but for one in a oneof.
      return isWrapperDesc(field.message) && field.oneof === undefined
        ? wrappedReader(field.message)
        : messageReader(field.message);
    case 'scalar':
      return codecReader(scalarCodec(field.scalar));
    case 'enum':
      return codecReader(enumCodec(field.enum));
  }
}

function itemReader(field: DescField & ({ fieldKind: 'list' } | { fieldKind: 'map' })): JsonReader {
  if (field.message !== undefined) return messageReader(field.message);
  return codecReader(field.enum === undefined ? scalarCodec(field.scalar) : enumCodec(field.enum));
}

function codecReader({ read, expected }: ValueCodec): JsonReader {
  return (json, at, decoding) => {
    const value = read(json);
    if (value === INVALID) report(decoding, at, expected);
    return value;
  };
}

/** Of the value inside a wrapper. */
function wrappedReader({ fields: [inner], typeName }: DescMessage): JsonReader {
  if (inner?.fieldKind !== 'scalar') throw new Error(`${typeName} is not a wrapper`);
  return codecReader(scalarCodec(inner.scalar));
}

function wrapperReader(desc: DescMessage): JsonReader {
  const read = wrappedReader(desc);
  return (json, at, decoding) => {
    const value = read(json, at, decoding);
    return value === INVALID ? INVALID : Object.assign(createMessage(desc), { value });
  };
}

function listReader(field: DescField & { fieldKind: 'list' }): JsonReader {
  const read = itemReader(field);
  const scalar = field.listKind === 'scalar' ? field.scalar : undefined;
  return (json, at, decoding) => {
    if (!Array.isArray(json)) {
      report(decoding, at, 'must be a list');
      return INVALID;
    }
    if (scalar !== undefined && isNumberList(json, scalar)) return json;
    return json.map((item, index) => read(item, `${at}[${index}]`, decoding));
  };
}

function mapReader(field: DescField & { fieldKind: 'map' }): JsonReader {
  const read = itemReader(field);
  const keys = field.mapKey === ScalarType.BOOL ? BOOL_KEYS : scalarCodec(field.mapKey);
  return (json, at, decoding) => {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      report(decoding, at, 'must be an object');
      return INVALID;
    }
    const map: Record<string, unknown> = {};
    for (const [name, item] of Object.entries(json)) {
      const place = `${at}[${JSON.stringify(name)}]`;
      const key = keys.read(name);
      if (key === INVALID) report(decoding, place, `has a name that ${keys.expected}`);
      else map[String(key)] = read(item, place, decoding);
    }
    return map;
  };
}

/** Names of an object are always text, also those that stand for true and false. */
const BOOL_KEYS: ValueCodec = {
  expected: 'must be true or false',
  read: (name) => (name === 'true' || name === 'false' ? name : INVALID),
};
