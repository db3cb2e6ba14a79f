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
 * One page in storage order, which is that of insertion. Deletions move later records to a lower offset, so each read
 * begins some records before the end of the page before it, and goes on after the last of those that it knows: in one
 * answer, since between two of them more may be deleted. Where it knows none, it looks for them further down. Should all
 * of them be gone, the scan starts over: it repeats, but never skips.
 */
export async function scanRecords(
  collection: Pick<Collection, 'get'>,
  request: ScanRequest,
  position: ChromaPosition | undefined,
): Promise<ChromaPage> {
  const { none, where, exact } = toChromaFilter(request.filter);
  if (none) return { records: [], next: null };
  const { filter, pageSize, include = {} } = request;
  const names = included(include, exact ? [] : ['metadatas' as IncludeEnum]);
  const marks = (position?.slice(1) ?? []) as string[];
  const known = new Set(marks);
  for (let end = position?.[0] ?? 0; ; ) {
    const offset = Math.max(0, end - MARKS);
    const limit = end - offset + pageSize;
    const page = await collection.get({ where, offset, limit, include: names });
    const first = page.ids.findLastIndex((id) => known.has(markOf(id))) + 1;
    if (first === 0 && end > 0) {
      end = await offsetAfter(collection, where, end, known);
      continue;
    }
    const ids = page.ids.slice(first, first + pageSize);
    const records: StoredRecord[] = [];
    for (const [at, id] of ids.entries()) {
      const index = first + at;
      if (filter && !exact && !matches(filter, fromNative(page.metadatas[index]))) continue;
      records.push(toRecord(page, index, id, include));
    }
    const seen = first + ids.length;
    if (page.ids.length < limit && seen === page.ids.length) return { records, next: null };
    const last = [...marks, ...ids.slice(-MARKS).map(markOf)];
    return { records, next: [offset + seen, ...last.slice(-Math.min(MARKS, offset + seen))] };
  }
}

/** Just after the last record that is known, at an offset or before it; 0 when there is none. */
async function offsetAfter(
  collection: Pick<Collection, 'get'>,
  where: Where | undefined,
  offset: number,
  known: ReadonlySet<string>,
): Promise<number> {
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
