import { type DescField, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { type Decoding, report } from './decoding.ts';
import { enumCodec, INVALID, scalarCodec, type ValueCodec } from './scalar.codec.ts';
import { wellKnownCodec } from './well-known.codec.ts';

/** Reads the text of a path variable or query parameter for a singular field, or for one item of a list. */
export function readText(field: DescField, text: string, at: string, decoding: Decoding): unknown {
  const codec = codecOf(field);
  const value = codec.read(isBool(field) ? boolOf(text) : text);
  if (value === INVALID) report(decoding, at, codec.expected);
  return value;
}

function codecOf(field: DescField): ValueCodec {
  if (field.enum !== undefined) return enumCodec(field.enum);
  if (field.message === undefined) return scalarCodec(field.scalar ?? ScalarType.STRING);
  const codec = wellKnownCodec(field.message);
  if (codec === undefined) throw new Error(`${field.message.typeName} cannot be written as text`);
  return codec;
}

function isBool(field: DescField): boolean {
  return field.fieldKind !== 'map' && field.scalar === ScalarType.BOOL;
}

/** Anything but the two words stays a text, which the codec refuses. */
function boolOf(text: string): JsonValue {
  return text === 'true' ? true : text === 'false' ? false : text;
}
