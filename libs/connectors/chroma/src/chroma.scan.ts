import { createHash } from 'node:crypto';
import { matches, type ScanRequest, type StoredRecord } from '@morag/connectors-core';
import type { Collection, IncludeEnum, Where } from 'chromadb';
import { toChromaFilter } from './chroma.filter.ts';
import { fromNative } from './chroma.metadata.ts';
import { included, toRecord } from './chroma.records.ts';

/** Where a scan goes on: how many records lie before, and marks of the last of them, the newest last. */
export type ChromaPosition = readonly [offset: number, ...marks: string[]];

export interface ChromaPage {
  readonly records: StoredRecord[];
  readonly next: ChromaPosition | null;
}

const MARKS = 32;
const SEARCH_PAGE = 5_000;

export function isChromaPosition(value: unknown): value is ChromaPosition {
  if (!Array.isArray(value) || value.length < 2 || value.length > MARKS + 1) return false;
  const [offset, ...marks] = value as unknown[];
  return (
    Number.isSafeInteger(offset) &&
    (offset as number) >= marks.length &&
    marks.every((mark) => typeof mark === 'string')
  );
}

/**
 * One page in storage order, which is that of insertion. Deletions move later records to a lower offset, so each page
 * starts at the last record of the one before it, and looks for that record, or one of its neighbours, when it is
 * no longer where it was. Should all of them be gone, the scan starts over: it repeats, but never skips.
 */
export async function scanRecords(
  collection: Collection,
  request: ScanRequest,
  position: ChromaPosition | undefined,
): Promise<ChromaPage> {
  const { none, where, exact } = toChromaFilter(request.filter);
  if (none) return { records: [], next: null };
  const { filter, pageSize, include = {} } = request;
  const read = (offset: number, limit: number) =>
    collection.get({ where, offset, limit, include: included(include, exact ? [] : ['metadatas' as IncludeEnum]) });

  let start = position ? position[0] : 0;
  let page = position ? await read(start - 1, pageSize + 1) : await read(0, pageSize);
  let first = 0;
  if (position) {
    const moved = page.ids[0] === undefined || markOf(page.ids[0]) !== position.at(-1);
    if (moved) {
      start = await offsetAfter(collection, where, position);
      page = await read(start, pageSize);
    } else {
      first = 1;
    }
  }
  const records: StoredRecord[] = [];
  for (let index = first; index < page.ids.length; index++) {
    const id = page.ids[index] as string;
    if (filter && !exact && !matches(filter, fromNative(page.metadatas[index]))) continue;
    records.push(toRecord(page, index, id, include));
  }
  const count = page.ids.length - first;
  if (count < pageSize) return { records, next: null };
  const marks = [...((position?.slice(1) as string[] | undefined) ?? []), ...page.ids.slice(-MARKS).map(markOf)];
  return { records, next: [start + count, ...marks.slice(-Math.min(MARKS, start + count))] };
}

/** Records never move up, so what was seen last lies at its old offset or before. */
async function offsetAfter(
  collection: Collection,
  where: Where | undefined,
  [offset, ...marks]: ChromaPosition,
): Promise<number> {
  const known = new Set(marks);
  for (let end = offset; end > 0; end -= SEARCH_PAGE) {
    const start = Math.max(0, end - SEARCH_PAGE);
    const { ids } = await collection.get({ where, offset: start, limit: end - start, include: [] });
    const last = ids.findLastIndex((id) => known.has(markOf(id)));
    if (last >= 0) return start + last + 1;
  }
  return 0;
}

function markOf(id: string): string {
  return createHash('sha1').update(id).digest('base64url').slice(0, 12);
}
