import { createHash } from 'node:crypto';
import {
  isScalar,
  type JsonValue,
  type Metadata,
  presentMetadata,
  type Scalar,
  type VectorRecord,
} from '@morag/connectors-core';
import { type BatchObject, message, type SearchResult } from './weaviate.messages.ts';

/** The record's own id, where the object's is a UUID made of it. */
export const ID = '_vk_id';
/** The metadata as JSON, as it was given. */
export const META = '_vk_meta';
/** The document; the only property whose words are indexed. */
export const TEXT = '_vk_text';
/** What holds of the metadata, one token each; every filter but ranges asks this one property. */
export const FACTS = '_vk_facts';

/** Properties that serve ranges, of one class. Every one has an index of its own on the server's disk. */
export const RANGE_PROPERTIES_MAX = 200;

const TOKEN_LENGTH_MAX = 200;
const PLAIN_KEY = /^(?!.*_(?:searchable|rangeable|temp|count|state)$)[a-z0-9]+(?:_[a-z0-9]+)*$/;
const PLAIN_KEY_LENGTH_MAX = 100;

/** Types whose values have an order. */
export type Ordered = 'number' | 'string';

/** True of every record. */
export const ANY_RECORD = 'record';

/** True of records whose metadata has the key. */
export function hasKey(key: string): string {
  return token('has', key);
}

/** True of records whose value of the key is a single number, or a single string. */
export function hasType(key: string, type: Ordered): string {
  return token(type, key);
}

/** True of records whose value of the key is this one, or an array that has it. */
export function hasValue(key: string, value: Scalar): string {
  return token('is', [key, value]);
}

/** Tokens start and end with what the server does not trim; a long one is stood for by its hash. */
function token(kind: string, content: JsonValue): string {
  const text = `${kind}:${JSON.stringify(content)}`;
  if (text.length <= TOKEN_LENGTH_MAX) return text;
  return `${kind}#${createHash('sha256').update(text).digest('base64url')}`;
}

/**
 * The property with the values of a key, for ranges. Weaviate takes letters, digits and underscores, puts the first
 * letter in lower case, takes names that differ only in case for one, and keeps some names and endings for itself.
 */
export function rangeProperty(key: string, type: Ordered): string {
  const letter = type === 'number' ? 'n' : 's';
  if (key.length <= PLAIN_KEY_LENGTH_MAX && PLAIN_KEY.test(key)) return `${letter}_${key}`;
  return `${letter}x_${createHash('sha256').update(key).digest('hex').slice(0, 24)}`;
}

/** A number as it is stored and asked for: the index would put -0 before 0. */
export function orderedNumber(value: number): number {
  return value + 0;
}

/** A string as it is stored and asked for: kept from being trimmed, and in the order of its code points. */
export function orderedText(value: string): string {
  return `=${value}\0`;
}

/** The properties for ranges that the record would have, if the class has them. */
export function rangePropertiesOf({ metadata }: VectorRecord): string[] {
  return Object.entries(metadata ?? {})
    .filter(([, value]) => typeof value === 'number')
    .map(([key]) => rangeProperty(key, 'number'));
}

/** What is stored of a record, beside its vector. */
export function toProperties(
  { id, metadata, document }: VectorRecord,
  known: ReadonlySet<string>,
): NonNullable<BatchObject['properties']> {
  const nonRefProperties: Record<string, string | number> = { [ID]: id };
  if (document !== undefined) nonRefProperties[TEXT] = document;
  const facts: string[] = [ANY_RECORD];
  const present = presentMetadata(metadata ?? {});
  for (const [key, value] of Object.entries(present)) {
    facts.push(...factsOf(key, value));
    if (typeof value !== 'number' && typeof value !== 'string') continue;
    const property = rangeProperty(key, typeof value as Ordered);
    if (known.has(property)) {
      nonRefProperties[property] = typeof value === 'number' ? orderedNumber(value) : orderedText(value);
    }
  }
  if (facts.length > 1) nonRefProperties[META] = JSON.stringify(present);
  const textArrayProperties = [{ propName: FACTS, values: [...new Set(facts)] }];
  return message({ nonRefProperties, textArrayProperties });
}

function factsOf(key: string, value: JsonValue): string[] {
  const facts = [hasKey(key)];
  if (Array.isArray(value)) {
    for (const item of value) if (isScalar(item)) facts.push(hasValue(key, item));
  } else if (isScalar(value)) {
    facts.push(hasValue(key, value));
    if (typeof value !== 'boolean') facts.push(hasType(key, typeof value as Ordered));
  }
  return facts;
}

/** The record's own id; the object's, where another program made it. */
export function idOf(result: SearchResult): string {
  return fieldsOf(result)[ID]?.textValue ?? result.metadata?.id ?? '';
}

export function documentOf(result: SearchResult): string | undefined {
  return fieldsOf(result)[TEXT]?.textValue;
}

/** The metadata as it was given; of an object that another program made, its scalars and lists of them. */
export function metadataOf(result: SearchResult): Metadata {
  const fields = fieldsOf(result);
  const json = fields[META]?.textValue;
  if (json !== undefined) return JSON.parse(json) as Metadata;
  if (fields[ID]) return {};
  const metadata: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(fields)) {
    const { textValue, numberValue, intValue, boolValue, dateValue, uuidValue, listValue } = value;
    const plain = textValue ?? numberValue ?? intValue ?? boolValue ?? dateValue ?? uuidValue;
    const list = listValue?.textValues ?? listValue?.boolValues ?? listValue?.dateValues ?? listValue?.uuidValues;
    if (plain !== undefined) metadata[name] = plain;
    else if (list) metadata[name] = list.values;
  }
  return metadata;
}

function fieldsOf({ properties }: SearchResult) {
  return properties?.nonRefProps?.fields ?? {};
}
