import { parseMetadataFilter } from './metadata-filter.ts';
import { invalid, Refusal } from './refusal.ts';
import { fetchByMetadataRequest, fetchRequest, listRequest, read, statsRequest } from './requests.ts';
import type { StoredIndex } from './stored-index.ts';

/** What a read has cost. */
export const USAGE = { usage: { readUnits: 1 } };

export function fetchByIds(index: StoredIndex, parameters: unknown): object {
  const { ids, namespace } = read(fetchRequest, parameters);
  const records = index.namespace(namespace)?.records();
  const found = ids.map((id) => records?.get(id)).filter((record) => record !== undefined);
  return { vectors: Object.fromEntries(found.map((record) => [record.id, record])), namespace, ...USAGE };
}

export function listIds(index: StoredIndex, parameters: unknown): object {
  const { prefix, limit, paginationToken, namespace } = read(listRequest, parameters);
  const ids = (index.namespace(namespace)?.ids() ?? []).filter((id) => id.startsWith(prefix));
  const { page, ...pagination } = pageOf(ids, limit, paginationToken);
  return { vectors: page.map((id) => ({ id })), ...pagination, namespace, ...USAGE };
}

export function fetchByMetadata(index: StoredIndex, body: unknown): object {
  const { filter, limit, paginationToken, namespace } = read(fetchByMetadataRequest, body);
  const holds = parseMetadataFilter(filter);
  const within = index.namespace(namespace);
  const ids = (within?.ids() ?? []).filter((id) => holds(within?.records().get(id)?.metadata ?? {}));
  const { page, ...pagination } = pageOf(ids, limit, paginationToken);
  const vectors = Object.fromEntries(page.map((id) => [id, within?.records().get(id)]));
  return { vectors, namespace, ...pagination, ...USAGE };
}

export function describeStats(index: StoredIndex, body: unknown): object {
  const { filter } = read(statsRequest, body ?? {});
  if (filter) throw invalid('Serverless and Starter indexes do not support describing index stats with a filter');
  const counts = [...index.namespaces].map(([name, within]) => ({ name, vectorCount: within.records().size }));
  return {
    namespaces: Object.fromEntries(counts.map(({ name, vectorCount }) => [name, { vectorCount }])),
    dimension: index.dimension,
    indexFullness: 0,
    totalVectorCount: counts.reduce((sum, { vectorCount }) => sum + vectorCount, 0),
    metric: index.metric,
    vectorType: 'dense',
  };
}

/** 64-bit numbers as text. */
export function describeNamespace(index: StoredIndex, name: string): object {
  const within = index.namespace(name);
  if (!within) throw new Refusal(404, 'NOT_FOUND', 'Namespace not found');
  const records = [...within.records().values()];
  const bytes = records.reduce((sum, record) => sum + Buffer.byteLength(JSON.stringify(record)), 0);
  return { name, record_count: String(records.length), size_bytes: String(bytes) };
}

/** The ids after the token, which names the last one given. The last page has no token. */
function pageOf(ids: readonly string[], limit: number, token: string | undefined) {
  const last = token === undefined ? '' : lastOf(token);
  const rest = ids.filter((id) => id > last);
  const page = rest.slice(0, limit);
  if (rest.length <= limit) return { page };
  const next = Buffer.from(JSON.stringify({ skip_past: page.at(-1) })).toString('base64');
  return { page, pagination: { next } };
}

function lastOf(token: string): string {
  try {
    const { skip_past: last } = JSON.parse(Buffer.from(token, 'base64').toString()) as { skip_past?: unknown };
    if (typeof last === 'string') return last;
  } catch {
    // Falls through to the refusal.
  }
  throw invalid('Invalid pagination token');
}
