import { DomainError } from '@morag/errors';
import type { Call } from '../../call.ts';
import type { WritePolicy } from '../database/database.ts';
import type { DatabaseView } from '../database/database-view.ts';
import type { PlacedRefusal } from '../log/lease.store.ts';
import type { SequenceBoard } from '../log/sequence-board.ts';

/** Waits until a write may be answered. */
export interface WriteConfirmation {
  /**
   * Returns when the policy holds for everything up to `sequence`. WRITE_NOT_CONFIRMED when it does not in time: then the
   * write stays logged and will be applied. RECORD_REFUSED when the primary's server would not take a record of it.
   */
  wait(view: DatabaseView, policy: WritePolicy, sequence: number, call: Call, token?: string): Promise<void>;
  /** An applier's news: these records will not be at that placement. */
  noteRefused(placementId: string, refusals: readonly PlacedRefusal[]): void;
}

/** See createWriteConfirmation. */
export interface WriteConfirmationDeps {
  readonly board: SequenceBoard;
  /** The placement has something to apply; makes sure that somebody does. */
  readonly nudge: (view: DatabaseView) => void;
  /** No caller waits longer than this, whatever deadline came with the call. */
  readonly waitMsMax?: number;
}

const WAIT_MS_MAX = 10_000;
/** So many refused mutations are remembered, for their writers to be told. */
const REFUSALS_MAX = 1_000;

/** Creates it. */
export function createWriteConfirmation({
  board,
  nudge,
  waitMsMax = WAIT_MS_MAX,
}: WriteConfirmationDeps): WriteConfirmation {
  const refusals = new Map<string, PlacedRefusal[]>();

  const throwRefusal = (placementId: string, sequence: number): void => {
    const refused = refusals.get(`${placementId}:${sequence}`);
    if (refused) throw recordRefused(refused);
  };

  return {
    async wait(view, policy, sequence, call, token) {
      if (policy === 'LOGGED' || sequence === 0) return;
      const { ids, needed } = confirmersOf(view, policy);
      const waiting = ids.filter((id) => board.applied(id) < sequence);
      const missing = needed - (ids.length - waiting.length);
      if (missing > 0) {
        nudge(view);
        await waitForSome(board, { placementIds: waiting, needed: missing, sequence, waitMsMax }, call).catch(
          (error: unknown) => {
            call.signal.throwIfAborted();
            throw notConfirmed(token, error);
          },
        );
      }
      throwRefusal(view.primary.id, sequence);
    },
    noteRefused(placementId, placed) {
      for (const refusal of placed) {
        const key = `${placementId}:${refusal.sequence}`;
        refusals.set(key, [...(refusals.get(key) ?? []), refusal]);
      }
      for (const key of refusals.keys()) {
        if (refusals.size <= REFUSALS_MAX) return;
        refusals.delete(key);
      }
    },
  };
}

/** Whose confirmation counts, and how many of them are needed. */
export function confirmersOf(
  { primary, placements }: DatabaseView,
  policy: Exclude<WritePolicy, 'LOGGED'>,
): { readonly ids: readonly string[]; readonly needed: number } {
  const ids = placements.map(({ id }) => id);
  switch (policy) {
    case 'PRIMARY':
      return { ids: [primary.id], needed: 1 };
    case 'QUORUM':
      return { ids, needed: Math.floor(ids.length / 2) + 1 };
    case 'ALL':
      return { ids, needed: ids.length };
  }
}

/** A wait for some placements, out of those that have not applied a sequence yet. */
interface Wait {
  readonly placementIds: readonly string[];
  readonly needed: number;
  readonly sequence: number;
  readonly waitMsMax: number;
}

/** Given as a reason, since the default one costs a stack trace for each write. */
const OVER = new Error('the wait is over');

async function waitForSome(board: SequenceBoard, wait: Wait, call: Call): Promise<void> {
  const { placementIds, needed, sequence, waitMsMax } = wait;
  const done = new AbortController();
  const waitMs = Math.min(waitMsMax, call.options().timeoutMs ?? waitMsMax);
  const timer = setTimeout(() => done.abort(new Error('the time is up')), waitMs);
  const signal = AbortSignal.any([call.signal, done.signal]);
  try {
    let confirmed = 0;
    await new Promise<void>((resolve, reject) => {
      for (const id of placementIds) {
        board.waitApplied(id, sequence, signal).then(() => ++confirmed === needed && resolve(), reject);
      }
    });
  } finally {
    clearTimeout(timer);
    done.abort(OVER);
  }
}

function notConfirmed(token: string | undefined, cause: unknown): DomainError {
  return new DomainError(
    'WRITE_NOT_CONFIRMED',
    'The write is in the log and will be applied, but its database server has not confirmed it in time. Repeating it is safe.',
    { metadata: token ? { token } : {}, cause },
  );
}

function recordRefused(refused: readonly PlacedRefusal[]): DomainError {
  const [first] = refused;
  const ids = refused.map(({ record }) => JSON.stringify(record.id)).slice(0, 20);
  return new DomainError('RECORD_REFUSED', `The server refused ${ids.join(', ')}: ${first?.reason ?? ''}`, {
    metadata: { recordIds: ids.join(',') },
  });
}
