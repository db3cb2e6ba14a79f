import type { Database } from '@morag/orm';
import type { DocumentState } from './document.state.ts';
import type { Scope } from './document.store.ts';

/** Figures over documents. */
export interface DocumentFigures {
  readonly byState: Readonly<Partial<Record<DocumentState, number>>>;
  readonly byType: Readonly<Record<string, number>>;
  readonly chunks: number;
  readonly sizeBytes: bigint;
  readonly meanQuality: number;
}

interface Group {
  readonly state: DocumentState;
  readonly type: string;
  readonly documents: number;
  readonly chunks: number;
  readonly sizeBytes: bigint;
  readonly quality: number;
}

const GROUPS = `
select state, type, count(*)::int as documents, sum(size_bytes)::bigint as "sizeBytes", sum(quality)::float8 as quality,
       coalesce(sum(chunk_count) filter (where state not in ('DEPRECATED', 'DELETED')), 0)::int as chunks
from documents.documents
where ($1::uuid is null or owner_id = $1) and ($2::uuid is null or database_id = $2)
  and ($3::uuid[] is null or database_id = any($3))
group by state, type`;

/** Figures over the documents in a scope, of one database or of all. */
export async function documentFigures(
  db: Database,
  { ownerId, databaseIds }: Scope,
  databaseId?: string,
): Promise<DocumentFigures> {
  const groups = await db.read<Group>(GROUPS, [ownerId ?? null, databaseId ?? null, databaseIds ?? null]);
  const kept = groups.filter(({ state }) => state !== 'DELETED');
  const ingested = groups.filter(({ state }) => state === 'INGESTED');
  const count = sumOf(ingested, ({ documents }) => documents);
  return {
    byState: totals(groups, ({ state }) => state),
    byType: totals(kept, ({ type }) => type),
    chunks: sumOf(kept, ({ chunks }) => chunks),
    sizeBytes: kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n),
    meanQuality: count === 0 ? 0 : sumOf(ingested, ({ quality }) => quality) / count,
  };
}

function sumOf(groups: readonly Group[], value: (group: Group) => number): number {
  return groups.reduce((sum, group) => sum + value(group), 0);
}

function totals(groups: readonly Group[], key: (group: Group) => string): Record<string, number> {
  const result: Record<string, number> = {};
  for (const group of groups) result[key(group)] = (result[key(group)] ?? 0) + group.documents;
  return result;
}
