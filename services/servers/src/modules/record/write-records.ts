import { type Filter, presentMetadata, type VectorRecord } from '@morag/connectors-core';
import type { Call } from '../../call.ts';
import { fromConnectorError } from '../connector/connector-errors.ts';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { WritePolicy } from '../database/database.ts';
import type { DatabaseDirectory } from '../database/database-directory.ts';
import type { DatabaseView } from '../database/database-view.ts';
import type { ConsistencyTokens } from '../log/consistency-token.ts';
import { databaseNotFound, type LogWriter } from '../log/group-commit.ts';
import { type EncodedMutation, encodeDelete, encodeUpsert } from '../log/mutation.codec.ts';
import type { RecordQuota } from '../quota/record-quota.ts';
import type { Scope } from '../server/server.ts';
import { checkIds, checkRecords } from './check-records.ts';
import { openDatabase } from './open-database.ts';
import type { WriteConfirmation } from './write-confirmation.ts';

/** What the writes work with. */
export interface WriteRecordsDeps {
  readonly directory: Pick<DatabaseDirectory, 'find' | 'refresh'>;
  readonly log: LogWriter;
  readonly tokens: ConsistencyTokens;
  readonly confirmation: WriteConfirmation;
  readonly pool: Pick<ConnectorPool, 'use'>;
  readonly recordQuota: Pick<RecordQuota, 'within'>;
}

/** Which database, and when to answer. */
export interface WriteInput {
  readonly scope: Scope;
  readonly databaseId: string;
  /** The database's unless given. */
  readonly writePolicy?: WritePolicy;
}

/** What a write comes to. */
export interface Written {
  readonly count: number;
  /** A read that carries it sees the write. */
  readonly token: string;
}

const IDS_PER_MUTATION = 10_000;
const SCAN_PAGE = 1_000;

/** Writes records, all or none; of two with one id the last counts. */
export async function upsertRecords(
  deps: WriteRecordsDeps,
  input: WriteInput & { readonly records: readonly VectorRecord[] },
  call: Call,
): Promise<Written> {
  const view = await openDatabase(deps.directory, input.databaseId, input.scope);
  checkRecords(input.records, view);
  const records = input.records.map((record) =>
    record.metadata ? { ...record, metadata: presentMetadata(record.metadata) } : record,
  );
  const count = new Set(records.map(({ id }) => id)).size;
  const { token } = await deps.recordQuota.within(view, count, () =>
    write(deps, view, input, [encodeUpsert(records)], call),
  );
  return { count, token };
}

/** Deletes records by id. */
export async function deleteRecordsById(
  deps: WriteRecordsDeps,
  input: WriteInput & { readonly ids: readonly string[] },
  call: Call,
): Promise<Written> {
  const view = await openDatabase(deps.directory, input.databaseId, input.scope);
  checkIds(input.ids);
  const ids = [...new Set(input.ids)];
  const { token } = await write(deps, view, input, [encodeDelete(ids)], call);
  return { count: ids.length, token };
}

/**
 * Deletes all records that match, as the log stands now. They are looked up at the primary, once it has applied that
 * log, and logged by id: a filter in the log would match other records at each placement and at each replay.
 */
export async function deleteRecordsByFilter(
  deps: WriteRecordsDeps,
  input: WriteInput & { readonly filter: Filter },
  call: Call,
): Promise<Written> {
  await openDatabase(deps.directory, input.databaseId, input.scope);
  const view = await deps.directory.refresh(input.databaseId);
  if (!view) throw databaseNotFound(input.databaseId);
  await deps.confirmation.wait(view, 'PRIMARY', view.headSequence, call);
  const ids = await matchingIds(deps.pool, view, input.filter, call);
  if (ids.length === 0) return { count: 0, token: deps.tokens.encode(view.id, view.headSequence) };
  const chunks: EncodedMutation[] = [];
  for (let at = 0; at < ids.length; at += IDS_PER_MUTATION)
    chunks.push(encodeDelete(ids.slice(at, at + IDS_PER_MUTATION)));
  const { token } = await write(deps, view, input, chunks, call);
  return { count: ids.length, token };
}

async function write(
  { log, tokens, confirmation }: WriteRecordsDeps,
  view: DatabaseView,
  { writePolicy }: WriteInput,
  mutations: readonly EncodedMutation[],
  call: Call,
): Promise<{ readonly sequence: number; readonly token: string }> {
  const sequence = await log.append(view.id, mutations, call.signal);
  const token = tokens.encode(view.id, sequence);
  await confirmation.wait(view, writePolicy ?? view.writePolicy, sequence, call, token);
  return { sequence, token };
}

async function matchingIds(
  pool: Pick<ConnectorPool, 'use'>,
  { primary }: DatabaseView,
  filter: Filter,
  call: Call,
): Promise<readonly string[]> {
  const include = { vector: false, metadata: false, document: false };
  const ids = new Set<string>();
  try {
    await pool.use(primary, async (connector) => {
      let cursor: string | undefined;
      do {
        const request = { cursor, pageSize: SCAN_PAGE, filter, include };
        const page = await connector.scan(primary.collection, request, call.options());
        for (const { id } of page.records) ids.add(id);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
    });
  } catch (error) {
    throw fromConnectorError(error, call.signal);
  }
  return [...ids];
}
