import {
  ConnectorError,
  type Filter,
  type Include,
  matches,
  type ScanRequest,
  type StoredRecord,
} from '@morag/connectors-core';
import { z } from 'zod';
import type { OnCollection } from './qdrant.access.ts';
import {
  checkWritten,
  type NativeId,
  type Point,
  parseNextOffset,
  parsePoints,
  parseResult,
} from './qdrant.answers.ts';
import { isNarrow, type QdrantFilter, toQdrantFilter } from './qdrant.filter.ts';
import { asSdkId, idText, toNativeId } from './qdrant.ids.ts';
import { fromPayload } from './qdrant.payload.ts';
import { sdkFilter } from './qdrant.query.ts';
import { deletePoints, pageLimit, toRecord, wanted } from './qdrant.records.ts';

/** Points that are looked at in one go when a filter is completed here. */
const PAGE = 2_000;
/** Every point. The server takes any filter without conditions for this; here it is never one by accident. */
const EVERYTHING = {};
const countJson = z.object({ count: z.int().min(0) });

export interface QdrantPage {
  readonly records: readonly StoredRecord[];
  readonly next: string | null;
}

/** One page in the order of the ids, from the one on that the last page ended before. */
export async function scanRecords(
  on: OnCollection,
  request: ScanRequest,
  from: string | undefined,
): Promise<QdrantPage> {
  const { pageSize, filter, include = {} } = request;
  const native = toQdrantFilter(filter, on.info.createdByUs);
  if (native.none) return { records: [], next: null };
  const limit = pageLimit(pageSize, on.info, include);
  const { points, next } = await scroll(on, native, { limit, from, include });
  const found = native.exact ? points : points.filter((point) => passes(point, filter, on));
  return { records: found.map((point) => toRecord(point, on.info, include)), next };
}

/** Exact. */
export async function countRecords(on: OnCollection, filter: Filter | undefined): Promise<number> {
  const native = toQdrantFilter(filter, on.info.createdByUs);
  if (native.none) return 0;
  if (native.exact) return countPoints(on, native);
  let count = 0;
  for await (const ids of matchingPages(on, filter, native)) count += ids.length;
  return count;
}

/** How many were deleted. The server does not say: they are counted before. */
export async function deleteMatching(on: OnCollection, filter: Filter): Promise<number> {
  const { wire, call, info, options } = on;
  const native = toQdrantFilter(filter, info.createdByUs);
  if (native.none) return 0;
  if (!native.exact) {
    let deleted = 0;
    // A page starts at an id, so that it does not matter that those before it are gone.
    for await (const ids of matchingPages(on, filter, native)) {
      await deletePoints(on, ids);
      deleted += ids.length;
    }
    return deleted;
  }
  const { clause } = native;
  if (clause && !isNarrow(clause))
    throw new ConnectorError('internal', call, 'A filter would have deleted everything.');
  const deleted = await countPoints(on, native);
  if (deleted === 0) return 0;
  const request = {
    collection_name: info.nativeName,
    wait: true,
    ordering: options.writeOrdering,
    filter: clause ? sdkFilter(clause) : EVERYTHING,
  };
  checkWritten(await wire.ask(call, (api, init) => api.deletePoints(request, init)), call);
  return deleted;
}

async function countPoints({ wire, call, info, options }: OnCollection, { clause }: QdrantFilter): Promise<number> {
  const request = {
    collection_name: info.nativeName,
    consistency: options.readConsistency,
    filter: clause && sdkFilter(clause),
    exact: true,
  };
  const body = await wire.ask(call, (api, init) => api.countPoints(request, init));
  return parseResult(countJson, body, call).count;
}

/** The ids of what matches, page by page, for filters that are completed here. */
async function* matchingPages(
  on: OnCollection,
  filter: Filter | undefined,
  native: QdrantFilter,
): AsyncGenerator<readonly NativeId[]> {
  let from: string | undefined;
  do {
    const page = await scroll(on, native, { limit: PAGE, from, include: { document: false } });
    yield page.points.filter((point) => passes(point, filter, on)).map(({ id }) => id);
    from = page.next ?? undefined;
  } while (from !== undefined);
}

interface ScrollRequest {
  readonly limit: number;
  readonly from: string | undefined;
  readonly include: Include;
}

async function scroll(
  { wire, call, info, options }: OnCollection,
  { clause, exact }: QdrantFilter,
  { limit, from, include }: ScrollRequest,
): Promise<{ points: readonly Point[]; next: string | null }> {
  // As the points of another program are named, which is what a point of ours is, too: a UUID.
  const offset = from === undefined ? undefined : toNativeId(from, false);
  const request = {
    collection_name: info.nativeName,
    consistency: options.readConsistency,
    filter: clause && sdkFilter(clause),
    limit,
    offset: offset === undefined ? undefined : asSdkId(offset),
    ...wanted(info, include, !exact),
  };
  const body = await wire.ask(call, (api, init) => api.scrollPoints(request, init));
  const next = parseNextOffset(body, call);
  return { points: parsePoints(body, call, 'points'), next: next === null ? null : idText(next) };
}

function passes({ payload }: Point, filter: Filter | undefined, { info }: OnCollection): boolean {
  return !filter || matches(filter, fromPayload(payload, info.createdByUs));
}
