import type { StoredRecord, VectorRecord } from '@morag/connectors-core';
import { DomainError } from '@morag/errors';
import type { Call } from '../../call.ts';
import type { Scope } from '../server/server.ts';
import { type ReadRecordsDeps, type ScrollPosition, scrollRecords } from './read-records.ts';
import { upsertRecords, type WriteRecordsDeps, type Written } from './write-records.ts';

/** Some of the records that are imported; the first names the database. */
export interface ImportBatch {
  /** Empty: as before. */
  readonly databaseId: string;
  readonly records: readonly VectorRecord[];
}

/**
 * Writes a stream of records, batch by batch: the sender is read no faster than its records are confirmed. What was
 * written before an error stays; sending it again does no harm.
 */
export async function importRecords(
  deps: WriteRecordsDeps,
  scope: Scope,
  batches: AsyncIterable<ImportBatch>,
  call: Call,
): Promise<Written> {
  let databaseId = '';
  let count = 0;
  let token = '';
  for await (const batch of batches) {
    const isFirst = databaseId === '';
    databaseId ||= batch.databaseId;
    if (databaseId === '') throw wrongDatabase('is required in the first message');
    if (!isFirst && batch.databaseId !== '' && batch.databaseId !== databaseId) {
      throw wrongDatabase('is another than that of the first message');
    }
    if (batch.records.length === 0) continue;
    const written = await upsertRecords(deps, { scope, databaseId, records: batch.records }, call);
    count += written.count;
    token = written.token;
  }
  return { count, token };
}

const EXPORT_PAGE = 500;

/** Some of the records that are exported, and where to go on after them; undefined after the last. */
export interface ExportPage {
  readonly records: readonly StoredRecord[];
  readonly next: ScrollPosition | undefined;
}

/** Every record of a database, from a position on, one page in memory at a time. */
export async function* exportRecords(
  deps: ReadRecordsDeps,
  { scope, databaseId, position: start }: { scope: Scope; databaseId: string; position?: ScrollPosition },
  call: Call,
): AsyncGenerator<ExportPage> {
  const include = { vector: true, metadata: true, document: true };
  let position = start;
  do {
    const input = { scope, databaseId, token: '', include, pageSize: EXPORT_PAGE, position };
    const { answer } = await scrollRecords(deps, input, call);
    yield answer;
    position = answer.next;
  } while (position !== undefined);
}

function wrongDatabase(description: string): DomainError {
  return new DomainError('INVALID_ARGUMENT', `databaseId ${description}.`, {
    violations: [{ field: 'databaseId', description }],
  });
}
