import { isScalar, type JsonValue, type Metadata, presentMetadata, type Scalar } from '@morag/connectors-core';

/** What a node holds of metadata: the whole as JSON, and beside it one property a key for filters. */
export type MetadataProperties = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** The property of the whole. */
export const METADATA_PROPERTY = 'metadata';

/** The property of a key whose value is a scalar. */
export function scalarName(key: string): string {
  return `m_${key}`;
}

/** The property of a key whose value is anything else: the scalars in it, if it is an array. */
export function listName(key: string): string {
  return `l_${key}`;
}

/** An element of an array as text: Neo4j stores arrays of one type only. */
export function elementText(value: Scalar): string {
  return JSON.stringify(value);
}

export function toProperties(metadata: Metadata): MetadataProperties {
  const present = presentMetadata(metadata);
  const properties: Record<string, string | number | boolean | readonly string[]> = {
    [METADATA_PROPERTY]: JSON.stringify(present),
  };
  for (const [key, value] of Object.entries(present)) {
    if (isScalar(value)) properties[scalarName(key)] = value;
    else properties[listName(key)] = elementsOf(value);
  }
  return properties;
}

/** What to set, with null for what goes, when the metadata of a node becomes another. */
export function toChanges(before: Metadata, patch: Metadata): Readonly<Record<string, unknown>> {
  const changes: Record<string, unknown> = {};
  for (const key of Object.keys(patch)) {
    changes[scalarName(key)] = null;
    changes[listName(key)] = null;
  }
  const kept = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== null));
  return {
    ...changes,
    ...toProperties(kept),
    [METADATA_PROPERTY]: JSON.stringify(presentMetadata({ ...before, ...patch })),
  };
}

function elementsOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(isScalar).map(elementText) : [];
}
