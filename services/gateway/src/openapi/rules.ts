import { type DescField, getOption, hasOption } from '@bufbuild/protobuf';
import {
  type FieldRules,
  field as fieldRules,
  type StringRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import type { Schema } from './schema.ts';

/** The rules of `buf.validate` on a field, as keywords of JSON Schema; those that it has no word for are left out. */
export function ruleKeywords(field: DescField): Schema {
  return hasOption(field, fieldRules) ? keywordsOf(getOption(field, fieldRules)) : {};
}

function keywordsOf({ type }: FieldRules): Schema {
  switch (type.case) {
    case 'string':
      return stringKeywords(type.value);
    case 'int32':
    case 'uint32':
    case 'sint32':
    case 'fixed32':
    case 'sfixed32':
    case 'float':
    case 'double':
      return numberKeywords(type.value);
    case 'repeated': {
      const { minItems, maxItems, unique, items } = type.value;
      return {
        ...(minItems > 0n && { minItems: Number(minItems) }),
        ...(maxItems > 0n && { maxItems: Number(maxItems) }),
        ...(unique && { uniqueItems: true }),
        ...(items && { items: keywordsOf(items) }),
      };
    }
    case 'map': {
      const { minPairs, maxPairs } = type.value;
      return {
        ...(minPairs > 0n && { minProperties: Number(minPairs) }),
        ...(maxPairs > 0n && { maxProperties: Number(maxPairs) }),
      };
    }
    default:
      return {};
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'uuid',
  email: 'email',
  uri: 'uri',
  uriRef: 'uri-reference',
  hostname: 'hostname',
  ipv4: 'ipv4',
  ipv6: 'ipv6',
};

function stringKeywords({ minLen, maxLen, maxBytes, len, pattern, wellKnown, in: oneOf }: StringRules): Schema {
  // A text of so many bytes has at most as many characters.
  const most = [maxLen, maxBytes, len].filter((bound) => bound > 0n).map(Number);
  const least = [minLen, len].filter((bound) => bound > 0n).map(Number);
  const format = wellKnown.case === undefined ? undefined : FORMATS[wellKnown.case];
  return {
    ...(least.length > 0 && { minLength: Math.max(...least) }),
    ...(most.length > 0 && { maxLength: Math.min(...most) }),
    ...(pattern !== '' && { pattern }),
    ...(oneOf.length > 0 && { enum: [...oneOf] }),
    ...(format !== undefined && { format }),
  };
}

interface Bounds {
  readonly lessThan: { readonly case?: string | undefined; readonly value?: number | undefined };
  readonly greaterThan: { readonly case?: string | undefined; readonly value?: number | undefined };
}

function numberKeywords({ lessThan, greaterThan }: Bounds): Schema {
  return {
    ...(greaterThan.case === 'gte' && { minimum: greaterThan.value }),
    ...(greaterThan.case === 'gt' && { exclusiveMinimum: greaterThan.value }),
    ...(lessThan.case === 'lte' && { maximum: lessThan.value }),
    ...(lessThan.case === 'lt' && { exclusiveMaximum: lessThan.value }),
  };
}
