import { reasonOf } from '@morag/errors';
import type { Database } from '@morag/orm';
import type { Logger } from '@morag/telemetry';
import type { ActFor, ServersPort } from '../../servers/servers.port.ts';
import { removeBuried, removeIfBuried } from './document.store.ts';
import { dueTombstones, postponeTombstones, type RecordTombstone, removeTombstones } from './record-tombstone.store.ts';

/** What removing needs. */
export interface RemoveRecordsParts {
  readonly db: Database;
  readonly servers: ServersPort;
  readonly actFor: ActFor;
  readonly logger: Logger;
}

const AT_ONCE = 500;
const REMOVE_MS_MAX = 5_000;
const POSTPONE_SECONDS = 15;
const ROWS_AT_ONCE = 100;

/**
 * Removes the records of passages that are gone, and then the rows of deleted documents that have none left: of one
 * document right after its deletion, of all from the reconciler. What fails is tried again later.
 */
export async function removeRecords(
  parts: RemoveRecordsParts,
  signal: AbortSignal,
  documentId: string | null = null,
): Promise<void> {
  for (;;) {
    const due = await dueTombstones(parts.db, documentId, AT_ONCE);
    for (const batch of Map.groupBy(due, ({ databaseId }) => databaseId).values()) {
      await removeBatch(parts, batch, signal);
    }
    if (due.length < AT_ONCE) break;
  }
  if (documentId !== null) await removeIfBuried(parts.db, documentId);
  else while ((await removeBuried(parts.db, ROWS_AT_ONCE)) === ROWS_AT_ONCE) signal.throwIfAborted();
}

async function removeBatch(
  { db, servers, actFor, logger }: RemoveRecordsParts,
  batch: readonly RecordTombstone[],
  signal: AbortSignal,
): Promise<void> {
  const [first] = batch;
  if (first === undefined) return;
  const { databaseId, ownerId } = first;
  const ids = batch.map(({ recordId }) => recordId);
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(REMOVE_MS_MAX)]);
    await servers.remove(databaseId, ids, await actFor(ownerId), bounded);
  } catch (error) {
    // With the database all its records went.
    if (reasonOf(error) !== 'DATABASE_NOT_FOUND') {
      await postponeTombstones(db, ids, POSTPONE_SECONDS);
      signal.throwIfAborted();
      logger.warn({ err: error, databaseId, records: ids.length }, 'records not removed yet');
      return;
    }
  }
  await removeTombstones(db, ids);
}
