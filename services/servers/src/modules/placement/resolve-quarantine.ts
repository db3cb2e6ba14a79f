import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@morag/errors';
import type { Call } from '../../call.ts';
import { encodeUpsert } from '../log/mutation.codec.ts';
import type { MutationStore } from '../log/mutation.store.ts';
import { type DeletePlacementDeps, findPlacement, type PlacementOf } from './delete-placement.ts';
import type { QuarantineStore } from './quarantine.store.ts';

/** See resolveQuarantine. */
export interface ResolveQuarantineDeps extends Pick<DeletePlacementDeps, 'databases' | 'placements'> {
  readonly quarantine: QuarantineStore;
  readonly mutations: Pick<MutationStore, 'appendUnlessTouched'>;
  /** The log of a database has grown otherwise than by a caller's write. */
  readonly onGrown: (databaseId: string) => Promise<void>;
}

/** See resolveQuarantine. */
export interface ResolveQuarantineInput extends PlacementOf {
  /** Empty: all, as many as one call takes. */
  readonly recordIds: readonly string[];
  /** Forget them instead. */
  readonly drop: boolean;
}

/** What became of the records. */
export interface Resolved {
  readonly resolved: number;
  readonly remaining: number;
}

const RECORDS_MAX = 1_000;
const POLL_MS = 25;
const TIME_TO_ANSWER_MS = 200;

/**
 * Writes refused records once more, through the log as any write, so that they come after what was written since and
 * reach every placement; or forgets them. A record that was written anew meanwhile is left to that.
 */
export async function resolveQuarantine(
  deps: ResolveQuarantineDeps,
  { recordIds, drop, ...where }: ResolveQuarantineInput,
  call: Call,
): Promise<Resolved> {
  const { id, databaseId } = await findPlacement(deps, where);
  if (drop) return { resolved: await deps.quarantine.drop(id, recordIds), remaining: 0 };
  const { appliedSequence, records } = await deps.quarantine.read(id, recordIds, RECORDS_MAX);
  if (records.length === 0) return { resolved: 0, remaining: 0 };
  const head = await deps.mutations.appendUnlessTouched(databaseId, appliedSequence, (touched) => {
    const open = records.filter((record) => !touched.has(record.id));
    return open.length > 0 ? [encodeUpsert(open)] : [];
  });
  await deps.onGrown(databaseId);
  await untilApplied(deps, where, head, call);
  const ids = records.map((record) => record.id);
  const remaining = await deps.quarantine.count(id, ids);
  return { resolved: ids.length - remaining, remaining };
}

async function untilApplied(deps: ResolveQuarantineDeps, where: PlacementOf, head: number, call: Call): Promise<void> {
  for (;;) {
    const { appliedSequence } = await findPlacement(deps, where);
    if (appliedSequence >= head) return;
    if (call.remainingMs() <= TIME_TO_ANSWER_MS) {
      throw new DomainError(
        'WRITE_NOT_CONFIRMED',
        'The records are in the log again, but the server has not answered in time.',
      );
    }
    await sleep(POLL_MS, undefined, { signal: call.signal });
  }
}
