import type { Filter } from '@morag/connectors-core';
import type { PineconeCall } from './pinecone.access.ts';
import { hasStatus } from './pinecone.errors.ts';
import { DEFAULT_NAMESPACE } from './pinecone.options.ts';
import { eachPage } from './pinecone.scan.ts';

/** Records that are counted one by one. */
const LISTED_MAX = 2_000;

/** The native ids of all records that match: the server counts no filter. */
export async function matchingIds(on: PineconeCall, filter: Filter): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of eachPage(on, { filter, whole: false })) ids.push(...page.map(({ id }) => id));
  return ids;
}

/**
 * The server's own figure lags behind what queries see. Where it is small the ids are listed instead, which is exact;
 * beyond that it would take a request for each hundred.
 */
export async function countRecords(on: PineconeCall, namespace: string): Promise<number> {
  const { namespaces = {} } = await on.session.index(on.index.host).describeIndexStats();
  // Some servers write the default one as "".
  const key = namespace === DEFAULT_NAMESPACE && !(namespace in namespaces) ? '' : namespace;
  const figure = namespaces[key]?.recordCount ?? 0;
  if (figure > LISTED_MAX) return figure;
  let count = 0;
  for await (const page of eachPage(on, { whole: false })) count += page.length;
  return count;
}

/** In bytes, nearly: what was deleted lately may be counted still. Undefined where the service does not tell. */
export async function namespaceSize({ session, index }: PineconeCall, namespace: string): Promise<number | undefined> {
  try {
    const { sizeBytes } = await session.index(index.host).describeNamespace(namespace);
    return sizeBytes === undefined ? undefined : Number(sizeBytes);
  } catch (error) {
    // It begins with its first record.
    if (hasStatus(error, 404)) return 0;
    throw error;
  }
}
