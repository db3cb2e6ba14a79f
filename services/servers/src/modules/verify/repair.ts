import type { StoredRecord } from '@morag/connectors-core';
import type { DatabaseView } from '../database/database-view.ts';
import { type EncodedMutation, encodeDelete, encodeUpsert } from '../log/mutation.codec.ts';
import type { MutationStore } from '../log/mutation.store.ts';
import type { LoggedRecord, Mutation } from '../log/mutation.ts';
import { toLogged } from '../placement/fill-placement.ts';
import { fetchAll, type RecheckDeps, untilLevel } from './recheck.ts';

/** See repairRecords. */
export interface RepairDeps extends RecheckDeps {
  readonly log: Pick<MutationStore, 'readAfter' | 'appendUnlessTouched'>;
  /** The log of a database has grown otherwise than by a caller's write. */
  readonly onGrown: (databaseId: string) => Promise<void>;
}

const IDS_AT_ONCE = 200;
const LOG_LIMITS = { entriesMax: 2_000, bytesMax: 16 * 1024 * 1024 };

/**
 * Mends records by writing them once more, through the log, so that every placement gets them in order with all other
 * writes. The log says what a record is, as far back as it goes; before that, the primary does. What a caller has
 * written since that was read is left alone: it is newer, and mends the record by itself.
 */
export async function repairRecords(
  deps: RepairDeps,
  view: DatabaseView,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const logged = await newestInLog(deps, view.id, new Set(ids), signal);
  for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
    const some = ids.slice(at, at + IDS_AT_ONCE);
    const head = await untilLevel(deps, { primary: view.primary, copy: view.primary }, signal);
    const stored = await fetchAll(deps, view.primary, some, signal);
    const wanted = new Map(some.map((id) => [id, logged.has(id) ? logged.get(id) : loggedForm(stored.get(id))]));
    await deps.log.appendUnlessTouched(view.id, head, (touched) =>
      toMutations([...wanted].filter(([id]) => !touched.has(id))),
    );
    await deps.onGrown(view.id);
  }
}

function loggedForm(record: StoredRecord | undefined): LoggedRecord | undefined {
  return record && toLogged(record);
}

function toMutations(wanted: readonly (readonly [string, LoggedRecord | undefined])[]): readonly EncodedMutation[] {
  const records = wanted.flatMap(([, record]) => record ?? []);
  const gone = wanted.filter(([, record]) => !record).map(([id]) => id);
  return [...(records.length > 0 ? [encodeUpsert(records)] : []), ...(gone.length > 0 ? [encodeDelete(gone)] : [])];
}

/** The newest word of the log on some records: what they are, or that they were deleted; nothing on those it is silent of. */
async function newestInLog(
  { log }: RepairDeps,
  databaseId: string,
  ids: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LoggedRecord | undefined>> {
  const newest = new Map<string, LoggedRecord | undefined>();
  for (let after = 0; ; ) {
    signal.throwIfAborted();
    const entries = await log.readAfter(databaseId, after, LOG_LIMITS);
    for (const [id, record] of entries.flatMap(({ mutation }) => outcomesOf(mutation))) {
      if (ids.has(id)) newest.set(id, record);
    }
    const last = entries.at(-1);
    if (!last) return newest;
    after = last.sequence;
  }
}

/** What a mutation makes of each record that it touches. */
function outcomesOf(mutation: Mutation): readonly (readonly [string, LoggedRecord | undefined])[] {
  if (mutation.kind === 'DELETE') return mutation.ids.map((id) => [id, undefined]);
  return mutation.records.map((record) => [record.id, record]);
}
