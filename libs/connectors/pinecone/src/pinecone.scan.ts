import { type Filter, matches, type ScanRequest, type StoredRecord } from '@morag/connectors-core';
import type { PineconeRecord } from '@pinecone-database/pinecone';
import type { PineconeCall } from './pinecone.access.ts';
import { type PineconeFilter, toPineconeFilter } from './pinecone.filter.ts';
import { isHashed } from './pinecone.ids.ts';
import { fromNative } from './pinecone.metadata.ts';
import { fetchNative, toRecord } from './pinecone.records.ts';

/** Where a scan goes on: which of the server's two lists it reads, and the server's own token. */
export type PineconePosition = readonly [source: 'ids' | 'matches', token: string];

/** What one request of either list is sure to give; more than the default is nowhere promised. */
const REQUEST_MAX = 100;
/** Records read at once when a whole collection is gone through. */
const PAGE = 1_000;

interface Reading {
  readonly filter?: Filter;
  /** Whether ids alone will not do. */
  readonly whole: boolean;
}

interface NativePage {
  readonly records: readonly PineconeRecord[];
  readonly next: string | null;
}

export function isPineconePosition(value: unknown): value is PineconePosition {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [source, token] = value as unknown[];
  return (source === 'ids' || source === 'matches') && typeof token === 'string' && token !== '';
}

/** The list that a scan with this filter reads: a cursor of the other one is of another scan. */
export function sourceOf(filter: Filter | undefined): PineconePosition[0] {
  return toPineconeFilter(filter).where ? 'matches' : 'ids';
}

/** One page in the order of the native ids, which neither writes nor deletions disturb. */
export async function scanRecords(
  on: PineconeCall,
  request: ScanRequest,
  position: PineconePosition | undefined,
): Promise<{ records: StoredRecord[]; next: PineconePosition | null }> {
  const { filter, pageSize, include = {} } = request;
  const native = toPineconeFilter(filter);
  if (native.none) return { records: [], next: null };
  const whole = include.vector === true || include.metadata !== false || include.document !== false;
  const page = await readPage(on, native, { filter, whole }, pageSize, position?.[1]);
  return {
    records: page.records.map((record) => toRecord(on, record, include)),
    next: page.next === null ? null : [sourceOf(filter), page.next],
  };
}

/** All native records that match, or their ids. */
export async function* eachPage(on: PineconeCall, reading: Reading): AsyncGenerator<readonly PineconeRecord[]> {
  const native = toPineconeFilter(reading.filter);
  if (native.none) return;
  let token: string | undefined;
  do {
    const page = await readPage(on, native, reading, PAGE, token);
    yield page.records;
    token = page.next ?? undefined;
  } while (token !== undefined);
}

/** Looks at `size` records at most, and gives those that match. */
async function readPage(
  on: PineconeCall,
  native: PineconeFilter,
  reading: Reading,
  size: number,
  token: string | undefined,
): Promise<NativePage> {
  const { filter } = reading;
  const { records, next } = native.where
    ? await readMatches(on, native.where, size, token)
    : await readList(on, reading.whole || !native.exact, size, token);
  const completed =
    filter && !native.exact ? records.filter(({ metadata }) => matches(filter, fromNative(metadata))) : records;
  return { records: completed, next };
}

async function readMatches(
  { session, index }: PineconeCall,
  where: object,
  size: number,
  from: string | undefined,
): Promise<NativePage> {
  const handle = session.index(index.host);
  const records: PineconeRecord[] = [];
  let token = from;
  do {
    const limit = Math.min(REQUEST_MAX, size - records.length);
    const page = await handle.fetchByMetadata({ filter: where, limit, paginationToken: token });
    records.push(...Object.values(page.records));
    token = page.pagination?.next;
  } while (token !== undefined && records.length < size);
  return { records, next: token ?? null };
}

/** Lists ids and fetches what lies behind them, where that is wanted. Records deleted in between are left out. */
async function readList(on: PineconeCall, whole: boolean, size: number, from: string | undefined): Promise<NativePage> {
  const handle = on.session.index(on.index.host);
  const ids: string[] = [];
  let token = from;
  do {
    const page = await handle.listPaginated({
      limit: Math.min(REQUEST_MAX, size - ids.length),
      paginationToken: token,
    });
    for (const { id } of page.vectors ?? []) if (id !== undefined) ids.push(id);
    token = page.pagination?.next;
  } while (token !== undefined && ids.length < size);
  if (!whole && !ids.some(isHashed)) return { records: ids.map((id) => ({ id })), next: token ?? null };
  const found = await fetchNative(on, ids);
  return { records: ids.map((id) => found.get(id)).filter((record) => record !== undefined), next: token ?? null };
}
