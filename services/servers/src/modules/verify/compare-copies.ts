import type { CallOptions, Metric, StoredRecord, VectorConnector } from '@morag/connectors-core';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { PlacementView } from '../database/database-view.ts';
import { pageSizeOf } from '../placement/fill-placement.ts';
import { createDigest, type Digest, rangeOf, rangesFor } from './digest.ts';
import { comparisonOf, fingerprint, sameRecord, type VectorComparison } from './fingerprint.ts';

/** What may differ between a placement and the primary: ids to look at again, for writes go on while they are read. */
export interface Suspects {
  readonly ids: readonly string[];
  readonly comparison: VectorComparison;
}

/** Two placements of one database. */
export interface CopyPair {
  readonly primary: PlacementView;
  readonly copy: PlacementView;
  readonly dimension: number;
  readonly metric: Metric;
}

/** See findSuspects. */
export interface CompareDeps {
  readonly pool: Pick<ConnectorPool, 'use'>;
}

const PAGE_BYTES_MAX = 4 * 1024 * 1024;
const CALL_MS_MAX = 30_000;
/** Records of which something is remembered at once. */
const SLICE_RECORDS_MAX = 100_000;

/**
 * Reads both placements once and compares them range by range; then, of ranges that differ, record by record. Memory is
 * bounded whatever they hold: so many ranges are looked into at once as hold a bounded number of records.
 */
export async function findSuspects(deps: CompareDeps, pair: CopyPair, signal: AbortSignal): Promise<Suspects> {
  const { primary, copy, metric } = pair;
  const both = [primary, copy] as const;
  const comparison = await withBoth(deps, both, async (connectors) => comparisonOf(metric, connectors));
  const count = await deps.pool.use(primary, (connector) =>
    connector.count(primary.collection, undefined, optionsOf(signal)),
  );
  const ranges = rangesFor(count);
  const [ofPrimary, ofCopy] = await Promise.all(
    both.map(async (placement): Promise<Digest> => {
      const digest = createDigest(ranges);
      await readAll(deps, pair, placement, signal, (record) => digest.add(record.id, fingerprint(record, comparison)));
      return digest;
    }),
  );
  const ids: string[] = [];
  if (!ofPrimary || !ofCopy) return { ids, comparison };
  for (const slice of slicesOf(ofPrimary.differences(ofCopy), ofPrimary, ofCopy)) {
    ids.push(...(await suspectsIn(deps, pair, { slice, ranges, comparison }, signal)));
  }
  return { ids, comparison };
}

interface Slice {
  readonly slice: ReadonlySet<number>;
  readonly ranges: number;
  readonly comparison: VectorComparison;
}

async function suspectsIn(
  deps: CompareDeps,
  pair: CopyPair,
  { slice, ranges, comparison }: Slice,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const known = new Map<string, StoredRecord>();
  const suspects: string[] = [];
  await readAll(deps, pair, pair.primary, signal, (record) => {
    if (slice.has(rangeOf(record.id, ranges))) known.set(record.id, record);
  });
  const seen = new Set<string>();
  await readAll(deps, pair, pair.copy, signal, (record) => {
    if (!slice.has(rangeOf(record.id, ranges)) || seen.has(record.id)) return;
    seen.add(record.id);
    const original = known.get(record.id);
    if (!original || !sameRecord(original, record, comparison)) suspects.push(record.id);
  });
  for (const id of known.keys()) if (!seen.has(id)) suspects.push(id);
  return suspects;
}

async function readAll(
  { pool }: CompareDeps,
  { dimension }: CopyPair,
  placement: PlacementView,
  signal: AbortSignal,
  onRecord: (record: StoredRecord) => void,
): Promise<void> {
  const pageSize = pageSizeOf(dimension, PAGE_BYTES_MAX);
  const include = { vector: true, metadata: true, document: true };
  let cursor: string | undefined;
  do {
    signal.throwIfAborted();
    const from = cursor;
    const page = await pool.use(placement, (connector) =>
      connector.scan(placement.collection, { cursor: from, pageSize, include }, optionsOf(signal)),
    );
    for (const record of page.records) onRecord(record);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

function withBoth<T>(
  { pool }: CompareDeps,
  [a, b]: readonly [PlacementView, PlacementView],
  use: (connectors: readonly VectorConnector[]) => Promise<T>,
): Promise<T> {
  return pool.use(a, (first) => pool.use(b, (second) => use([first, second])));
}

/** Bounds of one request of a comparison. */
export function optionsOf(signal: AbortSignal): CallOptions {
  return { signal, timeoutMs: CALL_MS_MAX };
}

/** Ranges in groups that hold no more than a bounded number of records. */
function* slicesOf(differing: readonly number[], a: Digest, b: Digest): Generator<ReadonlySet<number>> {
  let slice = new Set<number>();
  let records = 0;
  for (const range of differing) {
    const size = a.count(range) + b.count(range);
    if (slice.size > 0 && records + size > SLICE_RECORDS_MAX) {
      yield slice;
      slice = new Set();
      records = 0;
    }
    slice.add(range);
    records += size;
  }
  if (slice.size > 0) yield slice;
}
