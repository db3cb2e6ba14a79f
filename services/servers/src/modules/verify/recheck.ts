import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@morag/errors';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { PlacementView } from '../database/database-view.ts';
import type { MutationStore } from '../log/mutation.store.ts';
import { idsOf } from '../log/mutation.ts';
import type { PlacementStore } from '../placement/placement.store.ts';
import { type CopyPair, optionsOf, type Suspects } from './compare-copies.ts';
import { sameRecord } from './fingerprint.ts';

/** How a record of a placement differs from the primary's. */
export type DifferenceKind = 'missing' | 'extra' | 'different';

/** A record that is really not the same at two placements. */
export interface Difference {
  readonly id: string;
  readonly kind: DifferenceKind;
}

/** See recheck. */
export interface RecheckDeps {
  readonly pool: Pick<ConnectorPool, 'use'>;
  readonly placements: Pick<PlacementStore, 'list' | 'view'>;
  readonly log: Pick<MutationStore, 'readAfter'>;
}

const IDS_AT_ONCE = 500;
/** A record that changes more often than it can be read is at rest some time. */
const ROUNDS_MAX = 20;
const POLL_MS = 50;
const CATCH_UP_MS_MAX = 60_000;
const LOG_LIMITS = { entriesMax: 2_000, bytesMax: 16 * 1024 * 1024 };

/**
 * Of records that seemed to differ, those that do: read at both placements after each has applied the same part of the
 * log, and only where no write has come in between. What is being written at the moment is looked at again.
 */
export async function recheck(
  deps: RecheckDeps,
  pair: CopyPair,
  { ids, comparison }: Suspects,
  signal: AbortSignal,
): Promise<readonly Difference[]> {
  const found: Difference[] = [];
  for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
    let open = ids.slice(at, at + IDS_AT_ONCE);
    for (let round = 0; open.length > 0 && round < ROUNDS_MAX; round++) {
      const head = await untilLevel(deps, pair, signal);
      const [originals, copies] = await Promise.all([
        fetchAll(deps, pair.primary, open, signal),
        fetchAll(deps, pair.copy, open, signal),
      ]);
      const differing = open.flatMap((id): Difference[] => {
        const [original, copy] = [originals.get(id), copies.get(id)];
        if (!original && !copy) return [];
        if (!copy) return [{ id, kind: 'missing' }];
        if (!original) return [{ id, kind: 'extra' }];
        return sameRecord(original, copy, comparison) ? [] : [{ id, kind: 'different' }];
      });
      const touched = differing.length > 0 ? await touchedSince(deps, pair.primary.databaseId, head) : new Set();
      found.push(...differing.filter(({ id }) => !touched.has(id)));
      open = differing.filter(({ id }) => touched.has(id)).map(({ id }) => id);
    }
  }
  return found;
}

/** Waits until both have applied the log as it stands now, and answers how far that is. */
export async function untilLevel(
  { placements }: Pick<RecheckDeps, 'placements'>,
  { primary, copy }: Pick<CopyPair, 'primary' | 'copy'>,
  signal: AbortSignal,
): Promise<number> {
  const view = await placements.view(primary.databaseId);
  if (!view) throw new DomainError('DATABASE_NOT_FOUND', 'There is no such database.');
  for (const endsAtMs = performance.now() + CATCH_UP_MS_MAX; ; await sleep(POLL_MS, undefined, { signal })) {
    const now = await placements.list(primary.databaseId);
    const behind = now.find(
      ({ id, appliedSequence }) => (id === primary.id || id === copy.id) && appliedSequence < view.headSequence,
    );
    if (!behind) return view.headSequence;
    if (performance.now() >= endsAtMs) {
      throw new DomainError('NO_PLACEMENT_AVAILABLE', `The placement ${behind.id} does not catch up with the log.`);
    }
  }
}

/** Records by id, with all that they have. */
export async function fetchAll(
  { pool }: Pick<RecheckDeps, 'pool'>,
  placement: PlacementView,
  ids: readonly string[],
  signal: AbortSignal,
) {
  const include = { vector: true, metadata: true, document: true };
  const { records } = await pool.use(placement, (connector) =>
    connector.fetch(placement.collection, ids, include, optionsOf(signal)),
  );
  return new Map(records.map((record) => [record.id, record]));
}

async function touchedSince({ log }: RecheckDeps, databaseId: string, sequence: number): Promise<ReadonlySet<string>> {
  const touched = new Set<string>();
  for (let after = sequence; ; ) {
    const entries = await log.readAfter(databaseId, after, LOG_LIMITS);
    for (const { mutation } of entries) for (const id of idsOf(mutation)) touched.add(id);
    const last = entries.at(-1);
    if (!last) return touched;
    after = last.sequence;
  }
}
