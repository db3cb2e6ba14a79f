import type { ScanPage, StoredRecord, VectorRecord } from '@morag/connectors-core';
import { newCall } from '../../call.ts';
import { fromConnectorError } from '../connector/connector-errors.ts';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { DatabaseStore } from '../database/database.store.ts';
import { getDatabase } from '../database/get-database.ts';
import type { OperationWork } from '../operation/operation.ts';
import { OperationCancelled } from '../operation/run-operation.ts';
import { pageSizeOf } from '../placement/fill-placement.ts';
import { upsertRecords, type WriteRecordsDeps } from '../record/write-records.ts';
import { getServer } from '../server/get-server.ts';
import type { ServerStore } from '../server/server.store.ts';
import type { ImportRequest } from './import-collection.ts';

/** See createImportWork. */
export interface ImportWorkDeps extends WriteRecordsDeps {
  readonly databases: Pick<DatabaseStore, 'find'>;
  readonly servers: Pick<ServerStore, 'find'>;
  readonly pool: Pick<ConnectorPool, 'use'>;
}

const PAGE_BYTES_MAX = 2 * 1024 * 1024;
const CALL_MS_MAX = 30_000;

/**
 * The work of ImportCollection: each page is written as a caller would write it, so that it is in the log and reaches every
 * placement. It goes on after the last page that was confirmed; a page that is written twice does no harm.
 */
export function createImportWork(deps: ImportWorkDeps): OperationWork {
  return {
    async run({ databaseId, request, notes }, context) {
      const { serverId, collection } = request as unknown as ImportRequest;
      const { dimension, ownerId } = await getDatabase(deps.databases, databaseId, {});
      const { revision } = await getServer(deps.servers, serverId, { ownerId });
      const signal = AbortSignal.any([context.signal, context.cancelled]);
      const options = { signal, timeoutMs: CALL_MS_MAX };
      const include = { vector: true, metadata: true, document: true };
      const pageSize = pageSizeOf(dimension, PAGE_BYTES_MAX);
      let cursor = typeof notes.cursor === 'string' ? notes.cursor : undefined;
      let imported = typeof notes.imported === 'number' ? notes.imported : 0;
      if (notes.isRead === true) return { imported };
      const read = (): Promise<[ScanPage, number]> =>
        deps.pool.use({ serverId, revision }, async (connector) => [
          await connector.scan(collection, { cursor, pageSize, include }, options),
          await connector.count(collection, undefined, options),
        ]);
      do {
        if (context.cancelled.aborted) throw new OperationCancelled();
        const [page, total] = await read().catch((error: unknown) => {
          throw context.cancelled.aborted ? new OperationCancelled() : fromConnectorError(error, signal);
        });
        const records = page.records.map(toRecord);
        const call = newCall(context.signal, () => CALL_MS_MAX);
        if (records.length > 0) await upsertRecords(deps, { scope: { ownerId }, databaseId, records }, call);
        imported += records.length;
        cursor = page.nextCursor ?? undefined;
        const percentage = Math.min(99, Math.floor((100 * imported) / Math.max(1, total)));
        await context.report({
          stage: 'reading',
          percentage,
          notes: { imported, cursor: cursor ?? null, isRead: cursor === undefined },
        });
      } while (cursor !== undefined);
      return { imported };
    },
  };
}

/** A collection that another program made may hold records without a vector: those are told apart when they are checked. */
function toRecord({ id, vector, metadata, document }: StoredRecord): VectorRecord {
  return { id, vector: vector ?? new Float32Array(), metadata, document };
}
