import { reasonOf } from '@morag/errors';
import type { Database } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type { ActFor, ServersPort } from '../../servers/servers.port.ts';
import { type DocumentCount, markPushed, unpushedCounts } from './counter.store.ts';

/** What pushing needs. */
export interface PushParts {
  readonly db: Database;
  readonly servers: ServersPort;
  readonly actFor: ActFor;
  readonly logger: Logger;
}

const PUSH_MS_MAX = 2_000;

/**
 * Tells the servers service each count that it does not know: right after a change, so that the caller who made it reads
 * the new count, and from the reconciler, so that it arrives in the end whatever happens in between. Never rejects.
 */
export async function pushCounts(parts: PushParts, databaseId?: string): Promise<void> {
  try {
    for (const count of await unpushedCounts(parts.db, databaseId)) await pushOne(parts, count);
  } catch (error) {
    parts.logger.warn({ err: error, databaseId }, 'document count not pushed yet');
  }
}

async function pushOne(parts: PushParts, count: DocumentCount): Promise<void> {
  const acting = await parts.actFor(count.ownerId);
  const signal = AbortSignal.timeout(PUSH_MS_MAX);
  try {
    await parts.servers.setDocumentCount(count.databaseId, count.documents, count.revision, acting, signal);
  } catch (error) {
    // A database that is gone needs no count; its documents learn of it by DetachDatabase.
    if (reasonOf(error) !== 'DATABASE_NOT_FOUND') throw error;
  }
  await markPushed(parts.db, count);
}
