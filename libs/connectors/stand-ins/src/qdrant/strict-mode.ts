import type { Collection } from './collection.ts';
import { badRequest, Failure } from './failure.ts';
import { parseFilter } from './filter.ts';
import { isObject, type JsonObject } from './json.ts';

/** The stored count that the limit of points is compared with is this many writes old at most. */
const COUNT_REFRESHED_EACH = 32;
/** A bucket of tokens is filled within a minute. */
const RATE_SECONDS = 60;

/** The limits of a collection in strict mode, or none. */
function limitsOf({ config }: Collection): JsonObject {
  const strict = config.strict_mode_config;
  return strict?.enabled === true ? strict : {};
}

function checkLimit(actual: number, limit: unknown, name: string): void {
  if (typeof limit !== 'number' || actual <= limit) return;
  throw badRequest(
    `Limit exceeded ${actual} > ${limit} for "${name}". Help: Reduce the "${name}" parameter to or below ${limit}.`,
  );
}

export function checkUpsert(collection: Collection, points: number): void {
  checkLimit(points, limitsOf(collection).upsert_max_batchsize, 'upsert limit');
}

export function checkPointsCount(collection: Collection, operation: number): void {
  const { max_points_count: max } = limitsOf(collection);
  if (typeof max !== 'number' || operation < COUNT_REFRESHED_EACH || collection.size < max) return;
  throw badRequest(`Max points count limit of ${max} reached!`);
}

export interface ReadLimits {
  readonly limit?: number;
  readonly timeoutSeconds?: number;
  readonly params?: unknown;
  readonly filter?: unknown;
}

export function checkRead(collection: Collection, { limit, timeoutSeconds, params, filter }: ReadLimits): void {
  const limits = limitsOf(collection);
  if (limit !== undefined) checkLimit(limit, limits.max_query_limit, 'limit');
  if (timeoutSeconds !== undefined) checkLimit(timeoutSeconds, limits.max_timeout, 'timeout');
  const { hnsw_ef: ef, exact } = isObject(params) ? params : {};
  if (typeof ef === 'number') checkLimit(ef, limits.search_max_hnsw_ef, 'hnsw_ef');
  if (exact === true && limits.search_allow_exact === false) {
    throw badRequest('Exact search disabled!. Help: Set exact=false.');
  }
  checkFilter(collection, filter, 'retrieve');
}

export function checkBatch(collection: Collection, searches: number): void {
  checkLimit(searches, limitsOf(collection).search_max_batchsize, 'search batch size');
}

/** Fields without an index, and how many conditions there are. */
export function checkFilter(collection: Collection, filter: unknown, purpose: 'retrieve' | 'update'): void {
  const limits = limitsOf(collection);
  const indexed = limits[`unindexed_filtering_${purpose}`] === false;
  const conditions: { field: string; index: string; size: number }[] = [];
  const noted = collection.filterContext((field, { index, size }) => conditions.push({ field, index, size }));
  parseFilter(filter, { ...noted, validated: purpose === 'retrieve' });
  const { filter_max_conditions: maxConditions, condition_max_size: maxSize } = limits;
  if (typeof maxConditions === 'number' && conditions.length > maxConditions) {
    throw badRequest(
      `Filter condition limit reached (${conditions.length} > ${maxConditions}). Help: Reduce the amount of conditions of your filter.`,
    );
  }
  for (const { field, index, size } of conditions) {
    if (typeof maxSize === 'number' && size > maxSize) {
      throw badRequest(`Condition size limit reached (${size} > ${maxSize}). Help: Reduce the size of your condition.`);
    }
    if (indexed && !serves(collection.indexType(field), index)) {
      throw badRequest(
        `Index required but not found for "${field}" of one of the following types: [${index}]. Help: Create an index for this key or use a different filter.`,
      );
    }
  }
}

export function checkIndexCount(collection: Collection, field: string): void {
  const { max_payload_index_count: max } = limitsOf(collection);
  if (typeof max !== 'number' || collection.indexes.has(field) || collection.indexes.size < max) return;
  throw badRequest(
    `Collection already has the maximum number of payload indices (${max}). Help: Please delete an existing index before creating a new one.`,
  );
}

/** A bucket of tokens for the reads, and one for the writes, of one collection. */
export class RateLimiter {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #now: () => number;

  /** `now`: milliseconds since whenever. */
  constructor(now: () => number) {
    this.#now = now;
  }

  take(collection: Collection, kind: 'read' | 'write'): void {
    const rate = limitsOf(collection)[`${kind}_rate_limit`];
    if (typeof rate !== 'number') return;
    const now = this.#now();
    const bucket = this.#buckets.get(kind) ?? { tokens: rate, at: now };
    const tokens = Math.min(rate, bucket.tokens + ((now - bucket.at) / 1000) * (rate / RATE_SECONDS));
    this.#buckets.set(kind, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (tokens >= 1) return;
    const seconds = Math.ceil(((1 - tokens) * RATE_SECONDS) / rate);
    const name = kind === 'read' ? 'Read' : 'Write';
    throw new Failure(
      429,
      `Rate limiting exceeded: ${name} rate limit exceeded: Operation requires 1 tokens but only ${tokens.toFixed(1)} were available. Retry after ${seconds}s`,
      seconds,
    );
  }
}

function serves(present: string | undefined, needed: string): boolean {
  if (needed === 'float') return present === 'float' || present === 'integer';
  if (needed === 'keyword') return present === 'keyword' || present === 'uuid';
  return present === needed;
}
