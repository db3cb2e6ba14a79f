import type { Filter } from '@morag/connectors-core';
import type { Condition, Database } from '@morag/orm';
import type { LegHit } from '../../search/hit.ts';
import type { Acting, ServersPort } from '../../servers/servers.port.ts';
import { countPassages, documentsWhere } from './passage.store.ts';

/** What the vector leg needs. */
export interface VectorLegParts {
  readonly db: Database;
  readonly servers: ServersPort;
}

/** See vectorLeg. */
export interface VectorLegQuery {
  readonly databaseId: string;
  readonly vector: Float32Array;
  /** How many candidates are wanted. */
  readonly depth: number;
  /** How many of them must be findable, if there are as many. */
  readonly wanted: number;
  readonly condition: Condition | undefined;
}

/** Bound of the contract on one query. */
const TOP_K_MAX = 1000;
/** Documents that a filter names one by one; beyond, the query is not narrowed and more is fetched instead. */
const NAMED_DOCUMENTS_MAX = 500;

/**
 * The records nearest to the question. Records of versions that are not active can be among them, so more are fetched until
 * enough are findable or there are no more. Metadata live with the documents, where they can change; the records only name
 * their document, so a filter becomes the list of documents that meet it.
 */
export async function vectorLeg(
  { db, servers }: VectorLegParts,
  query: VectorLegQuery,
  acting: Acting,
  signal: AbortSignal,
): Promise<LegHit[]> {
  const { databaseId, vector, condition } = query;
  const documents = condition && (await documentsWhere(db, databaseId, condition, NAMED_DOCUMENTS_MAX + 1));
  if (documents?.length === 0) return [];
  const filter = documents && documents.length <= NAMED_DOCUMENTS_MAX ? ofDocuments(documents) : undefined;
  for (let topK = Math.min(query.depth, TOP_K_MAX); ; topK = Math.min(topK * 4, TOP_K_MAX)) {
    const hits = await servers.query(databaseId, { vector, topK, filter }, acting, signal);
    if (hits.length < topK || topK === TOP_K_MAX) return hits;
    const ids = hits.map(({ id }) => id);
    const found = await countPassages(db, databaseId, ids, condition);
    if (found >= query.wanted) return hits;
  }
}

function ofDocuments(documents: readonly string[]): Filter {
  return { field: 'documentId', op: 'in', value: documents };
}
