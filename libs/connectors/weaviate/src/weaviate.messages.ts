import type { Vector } from '@morag/connectors-core';
import type { ConnectionGRPC } from 'weaviate-client';

// The SDK's messages, whose names it does not export.
export type Search = Awaited<ReturnType<ConnectionGRPC['search']>>;
export type Batch = Awaited<ReturnType<ConnectionGRPC['batch']>>;
export type ListArgs = Parameters<Search['withFetch']>[0];
export type NearVectorArgs = Parameters<Search['withNearVector']>[0];
export type HybridArgs = Parameters<Search['withHybrid']>[0];
export type SearchReply = Awaited<ReturnType<Search['withFetch']>>;
export type SearchResult = SearchReply['results'][number];
export type BatchObject = Parameters<Batch['withObjects']>[0]['objects'][number];
export type WeaviateFilter = NonNullable<ListArgs['filters']>;
type MetadataRequest = NonNullable<ListArgs['metadata']>;
export type PropertiesRequest = NonNullable<ListArgs['properties']>;
type NamedVector = BatchObject['vectors'][number];
type NearVector = NearVectorArgs['nearVector'];
type Hybrid = HybridArgs['hybridSearch'];

/** The numbers of the operators on the wire; the SDK's own enumeration is not exported. */
const OPERATORS = {
  equal: 1,
  notEqual: 2,
  gt: 3,
  gte: 4,
  lt: 5,
  lte: 6,
  and: 7,
  or: 8,
  containsAny: 12,
} as const;

const FP32 = 1;
const RELATIVE_SCORE = 2;

/** A message of these fields. The types ask for all there are, also for those that are deprecated; the SDK adds them. */
export function message<T>(fields: Partial<NoInfer<T>>): T {
  return fields as T;
}

/** A condition on one property. A number is always sent as one of 64-bit floating point. */
export function where(
  property: string,
  operator: Exclude<keyof typeof OPERATORS, 'and' | 'or'>,
  value: string | number | readonly string[],
): WeaviateFilter {
  const condition = { operator: OPERATORS[operator], target: { property } };
  if (typeof value === 'string') return message({ ...condition, valueText: value });
  if (typeof value === 'number') return message({ ...condition, valueNumber: value });
  return message({ ...condition, valueTextArray: { values: [...value] } });
}

/** A group of at least two. */
export function group(operator: 'and' | 'or', filters: readonly WeaviateFilter[]): WeaviateFilter {
  return message({ operator: OPERATORS[operator], filters: [...filters] });
}

/** What to return beside the properties. */
export function wantedMetadata(wanted: { vector?: boolean; distance?: boolean; score?: boolean }): MetadataRequest {
  return message({ uuid: true, ...wanted });
}

/** These properties, or all of them. */
export function wantedProperties(names: readonly string[] | 'all'): PropertiesRequest {
  return message(names === 'all' ? { returnAllNonrefProperties: true } : { nonRefProperties: [...names] });
}

/** The vector under its name in the class; the empty one is that of classes without named vectors. */
export function namedVector(name: string, vector: Vector): NamedVector {
  return message({ name, vectorBytes: bytesOf(vector), type: FP32 });
}

/** The nearest to a vector. */
export function nearVector(name: string, vector: Vector): NearVector {
  return message({ vectors: [namedVector(name, vector)], targets: targetsOf(name) });
}

/** `alpha`, the weight of the vector, by the name that every version knows; the newer ones have another one beside it. */
interface HybridWords {
  readonly query: string;
  readonly properties: string[];
  readonly alpha: number;
}

/** The best by vector and words, whose relative scores are mixed. */
export function hybrid(name: string, vector: Vector, query: HybridWords): Hybrid {
  const mixed = { ...query, fusionType: RELATIVE_SCORE } as const;
  // The target is named beside the vector, not with it.
  return message({ ...mixed, targets: targetsOf(name), nearVector: message({ vectors: [namedVector(name, vector)] }) });
}

function targetsOf(name: string): NearVector['targets'] {
  return name === '' ? undefined : message({ targetVectors: [name] });
}

/** The vector's 32-bit floats, little-endian as on every machine that Node runs on. */
function bytesOf(vector: Vector): Uint8Array {
  const { buffer, byteOffset, byteLength } = vector instanceof Float32Array ? vector : Float32Array.from(vector);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The vector of an object that was asked for; of several the first. */
export function vectorOf({ metadata }: SearchResult): Float32Array | undefined {
  const bytes = metadata?.vectors[0]?.vectorBytes ?? metadata?.vectorBytes;
  if (!bytes?.byteLength) return undefined;
  // Copied: the bytes are a part of the whole answer, at an offset that need not be a multiple of four.
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
