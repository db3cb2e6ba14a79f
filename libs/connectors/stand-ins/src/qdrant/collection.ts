import {
  type CollectionConfig,
  createConfig,
  denseVectors,
  parseIndexSchema,
  sparseVectors,
  updateConfig,
} from './config.ts';
import { wrongInput } from './failure.ts';
import { type FieldTest, type FilterContext, timeOf } from './filter.ts';
import { compareIds, type PointId } from './ids.ts';
import { isInteger, type JsonObject } from './json.ts';
import { parsePath, valuesAt } from './path.ts';
import { RateLimiter } from './strict-mode.ts';
import { checkDimension, type DenseConfig, prepare, type Vectors } from './vectors.ts';

export interface StoredPoint {
  readonly id: PointId;
  readonly vectors: Vectors;
  readonly payload: JsonObject;
  /** The operation that wrote it last. */
  readonly version: number;
}

/** Values of a payload that an index of a type takes up. */
const INDEXED: Readonly<Record<string, (value: unknown) => boolean>> = {
  keyword: (value) => typeof value === 'string',
  uuid: (value) => typeof value === 'string',
  text: (value) => typeof value === 'string',
  integer: isInteger,
  float: (value) => typeof value === 'number' || typeof value === 'bigint',
  bool: (value) => typeof value === 'boolean',
  datetime: (value) => timeOf(value) !== undefined,
  geo: () => false,
};
const RANGE_INDEXES = ['integer', 'float', 'datetime'];

/** One collection with its points, in memory. */
export class Collection {
  config: CollectionConfig;
  /** They stay as they were created. */
  readonly dense: ReadonlyMap<string, DenseConfig>;
  readonly sparse: ReadonlyMap<string, { readonly idf: boolean }>;
  readonly rates: RateLimiter;
  readonly indexes = new Map<string, string | JsonObject>();
  readonly #points = new Map<PointId, StoredPoint>();
  #order: PointId[] | undefined;
  #operations = 0;

  constructor(body: JsonObject, now: () => number) {
    this.rates = new RateLimiter(now);
    this.config = createConfig(body);
    this.dense = denseVectors(this.config);
    this.sparse = sparseVectors(this.config);
  }

  get size(): number {
    return this.#points.size;
  }

  update(body: JsonObject): void {
    this.config = updateConfig(this.config, body);
  }

  /** Writes so far. */
  get operations(): number {
    return this.#operations;
  }

  /** The number of the next write, if there may be one now. */
  nextOperation(): number {
    this.rates.take(this, 'write');
    return ++this.#operations;
  }

  get(id: PointId): StoredPoint | undefined {
    return this.#points.get(id);
  }

  put(point: StoredPoint): void {
    if (!this.#points.has(point.id)) this.#order = undefined;
    this.#points.set(point.id, point);
  }

  remove(id: PointId): void {
    if (this.#points.delete(id)) this.#order = undefined;
  }

  /** In the order of their ids. */
  *points(from?: PointId): Generator<StoredPoint> {
    this.#order ??= [...this.#points.keys()].sort(compareIds);
    const order = this.#order;
    let start = 0;
    if (from !== undefined) {
      let end = order.length;
      while (start < end) {
        const middle = (start + end) >> 1;
        if (compareIds(order[middle] as PointId, from) < 0) start = middle + 1;
        else end = middle;
      }
    }
    for (let index = start; index < order.length; index++)
      yield this.#points.get(order[index] as PointId) as StoredPoint;
  }

  /** Refuses names and dimensions that the collection does not have; gives the vectors as they are stored. */
  accept(vectors: Vectors): Vectors {
    const accepted = new Map(vectors);
    for (const [name, vector] of vectors) {
      const dense = this.dense.get(name);
      if (dense && vector instanceof Float32Array) {
        checkDimension(vector, dense);
        accepted.set(name, prepare(vector, dense.distance));
      } else if (dense || !this.sparse.has(name) || vector instanceof Float32Array) {
        throw wrongInput(`Not existing vector name error: ${name}`);
      }
    }
    return accepted;
  }

  createIndex(field: string, schema: unknown): void {
    parsePath(field);
    this.indexes.set(field, parseIndexSchema(schema));
  }

  indexType(field: string): string | undefined {
    const schema = this.indexes.get(field);
    return typeof schema === 'object' ? String(schema.type) : schema;
  }

  hasRangeIndex(field: string): boolean {
    return RANGE_INDEXES.includes(this.indexType(field) ?? '');
  }

  /** How filters look at this collection. */
  filterContext(onField?: (field: string, test: FieldTest) => void): FilterContext & { validated: boolean } {
    return {
      validated: true,
      onField,
      tokens: (field) => (this.indexType(field) === 'text' ? tokensBy(this.indexes.get(field)) : undefined),
    };
  }

  info(): JsonObject {
    const schema = [...this.indexes].map(([field, given]) => {
      const type = this.indexType(field) ?? '';
      const params = typeof given === 'object' ? { params: given } : {};
      return [field, { data_type: type, ...params, points: this.#indexed(field, type) }] as const;
    });
    return {
      status: 'green',
      optimizer_status: 'ok',
      indexed_vectors_count: 0,
      points_count: this.size,
      segments_count: 2,
      config: this.config,
      payload_schema: Object.fromEntries(schema),
      update_queue: { length: 0 },
    };
  }

  #indexed(field: string, type: string): number {
    const path = parsePath(field);
    const takes = INDEXED[type] ?? (() => false);
    let count = 0;
    for (const { payload } of this.#points.values()) {
      const values = valuesAt(payload, path).flatMap((value) =>
        Array.isArray(value) ? (value as unknown[]) : [value],
      );
      if (values.some(takes)) count++;
    }
    return count;
  }
}

function tokensBy(schema: string | JsonObject | undefined): (text: string) => string[] {
  const { lowercase = true, min_token_len: min = 0 } = typeof schema === 'object' ? schema : {};
  return (text) => {
    const words = (lowercase ? text.toLowerCase() : text).match(/[\p{L}\p{N}]+/gu) ?? [];
    return words.filter((word) => word.length >= Number(min));
  };
}
