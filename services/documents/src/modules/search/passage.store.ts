import { type Condition, type Database, newStatement } from '@morag/orm';

/** A passage that can be found now, with its document. */
export interface Passage {
  readonly id: string;
  readonly text: string;
  readonly language: string;
  readonly position: number;
  readonly page: number | null;
  readonly headingPath: readonly string[];
  readonly startOffset: number;
  readonly endOffset: number;
  readonly documentId: string;
  readonly documentName: string;
  readonly documentVersion: number;
  readonly documentTitle: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** States of documents whose active version is searched; see `isSearchable`. */
const SEARCHABLE = `d.state in ('PENDING', 'INGESTING', 'INGESTED')`;

/**
 * Those of the passages that can be found: of the active version of a document of this database that is neither deprecated
 * nor deleted and that meets the condition (on `d.metadata`). One statement sees one moment, so its rows never hold two
 * versions of a document; whatever a leg found beside them is left out.
 */
export async function readPassages(
  db: Database,
  databaseId: string,
  ids: readonly string[],
  condition: Condition | undefined,
): Promise<Map<string, Passage>> {
  if (ids.length === 0) return new Map();
  const { bind, params } = newStatement();
  const rows = await db.read<Passage>(
    `select c.id, c.text, c.language, c.position, c.page, c.heading_path as "headingPath", c.start_offset as "startOffset",
            c.end_offset as "endOffset", d.id as "documentId", d.name as "documentName",
            d.document_version as "documentVersion", d.title as "documentTitle", d.metadata
     from documents.chunks c join documents.documents d on d.active_version_id = c.version_id
     where c.id = any(${bind(ids)}::uuid[]) and d.database_id = ${bind(databaseId)} and ${SEARCHABLE}
       and ${condition?.(bind) ?? 'true'}`,
    [...params],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** How many of the passages can be found; see readPassages. */
export async function countPassages(
  db: Database,
  databaseId: string,
  ids: readonly string[],
  condition: Condition | undefined,
): Promise<number> {
  const { bind, params } = newStatement();
  const [row] = await db.read<{ found: number }>(
    `select count(*)::int as found
     from documents.chunks c join documents.documents d on d.active_version_id = c.version_id
     where c.id = any(${bind(ids)}::uuid[]) and d.database_id = ${bind(databaseId)} and ${SEARCHABLE}
       and ${condition?.(bind) ?? 'true'}`,
    [...params],
  );
  return row?.found ?? 0;
}

/** Ids of the documents that meet a condition, at most `limit`. */
export async function documentsWhere(
  db: Database,
  databaseId: string,
  condition: Condition,
  limit: number,
): Promise<string[]> {
  const { bind, params } = newStatement();
  const rows = await db.read<{ id: string }>(
    `select d.id from documents.documents d
     where d.database_id = ${bind(databaseId)} and d.active_version_id is not null and ${SEARCHABLE} and ${condition(bind)}
     limit ${bind(limit)}`,
    [...params],
  );
  return rows.map(({ id }) => id);
}

/** For the lexical leg: that an entry is of a document that meets the condition. */
export function entryCondition(databaseId: string, condition: Condition): Condition {
  return (bind) =>
    `entry.version_id in (select d.active_version_id from documents.documents d
       where d.database_id = ${bind(databaseId)} and ${condition(bind)})`;
}
