import { DomainError } from '@morag/errors';
import type { Call } from '../../call.ts';
import type { WritePolicy } from '../database/database.ts';
import type { DatabaseView, PlacementView } from '../database/database-view.ts';
import { databaseNotFound } from '../log/group-commit.ts';
import type { PlacedRefusal } from '../log/lease.store.ts';
import type { SequenceBoard } from '../log/sequence-board.ts';
import { MEMBER_STATES } from '../placement/placement.ts';

/** Waits until a write may be answered. */
export interface WriteConfirmation {
  /**
   * Returns when the policy holds for everything up to `sequence`. WRITE_NOT_CONFIRMED when it does not in time: then the
   * write stays logged and will be applied. DATABASE_NOT_FOUND when it was deleted meanwhile. RECORD_REFUSED when the primary's server would not take a record of it.
   */
  wait(view: DatabaseView, policy: WritePolicy, sequence: number, call: Call, token?: string): Promise<void>;
  /** An applier's news: these records will not be at that placement. */
  noteRefused(placementId: string, refusals: readonly PlacedRefusal[]): void;
}

/** See createWriteConfirmation. */
export interface WriteConfirmationDeps {
  readonly board: SequenceBoard;
  /** The database as it is now, or was a moment ago. */
  readonly find: (databaseId: string) => Promise<DatabaseView | undefined>;
  /** The placement has something to apply; makes sure that somebody does. */
  readonly nudge: (view: DatabaseView) => void;
  /** No caller waits longer than this, whatever deadline came with the call. */
  readonly waitMsMax?: number;
}

const WAIT_MS_MAX = 10_000;
/** So often a wait asks anew whose confirmation counts. */
const VIEW_MS = 500;
/** So many refused mutations are remembered, for their writers to be told. */
const REFUSALS_MAX = 1_000;

/** Creates it. */
export function createWriteConfirmation({
  board,
  find,
  nudge,
  waitMsMax = WAIT_MS_MAX,
}: WriteConfirmationDeps): WriteConfirmation {
  const refusals = new Map<string, PlacedRefusal[]>();

  const throwRefusal = (placementId: string, sequence: number): void => {
    const refused = refusals.get(`${placementId}:${sequence}`);
    if (refused) throw recordRefused(refused);
  };

  return {
    async wait(given, policy, sequence, call, token) {
      if (policy === 'LOGGED' || sequence === 0) return;
      const endsAtMs = performance.now() + Math.min(waitMsMax, call.options().timeoutMs ?? waitMsMax);
      for (let view: DatabaseView | undefined = given; ; view = await find(given.id)) {
        // Deleted meanwhile, and the log with it: nobody will confirm anything any more.
        if (!view) throw databaseNotFound(given.id);
        const { ids, needed } = confirmersOf(view, policy);
        const waiting = ids.filter((id) => board.applied(id) < sequence);
        const missing = needed - (ids.length - waiting.length);
        if (missing <= 0) return throwRefusal(view.primary.id, sequence);
        const leftMs = endsAtMs - performance.now();
        if (leftMs <= 0) throw notConfirmed(view, waiting, token);
        nudge(view);
        // The primary may change, and a placement come or go, while somebody waits for it.
        const waitMs = Math.min(leftMs, VIEW_MS);
        await waitForSome(board, { placementIds: waiting, needed: missing, sequence, waitMs }, call);
      }
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

/**
 * Whose confirmation counts, and how many of them are needed. A placement that is not a full copy yet, or is on its way
 * out, counts for nothing: adding one makes no write wait. One whose server is away counts, so that ALL means all.
 */
export function confirmersOf(
  { primary, placements }: DatabaseView,
  policy: Exclude<WritePolicy, 'LOGGED'>,
): { readonly ids: readonly string[]; readonly needed: number } {
  if (policy === 'PRIMARY') return { ids: [primary.id], needed: 1 };
  const isMember = ({ id, state }: PlacementView): boolean => id === primary.id || MEMBER_STATES.includes(state);
  const ids = placements.filter(isMember).map(({ id }) => id);
  return { ids, needed: policy === 'ALL' ? ids.length : Math.floor(ids.length / 2) + 1 };
}

/** A wait for some placements, out of those that have not applied a sequence yet. */
interface Wait {
  readonly placementIds: readonly string[];
  readonly needed: number;
  readonly sequence: number;
  readonly waitMs: number;
}

/** Given as a reason, since the default one costs a stack trace for each write. */
const OVER = new Error('the wait is over');

/** Returns when enough have confirmed, and when the time is up; throws only when the caller is gone. */
async function waitForSome(board: SequenceBoard, wait: Wait, call: Call): Promise<void> {
  const { placementIds, needed, sequence, waitMs } = wait;
  const done = new AbortController();
  const timer = setTimeout(() => done.abort(OVER), waitMs);
  const signal = AbortSignal.any([call.signal, done.signal]);
  try {
    let confirmed = 0;
    await new Promise<void>((resolve, reject) => {
      for (const id of placementIds) {
        board.waitApplied(id, sequence, signal).then(() => ++confirmed === needed && resolve(), reject);
      }
    });
  } catch {
    call.signal.throwIfAborted();
  } finally {
    clearTimeout(timer);
    done.abort(OVER);
  }
}

function notConfirmed(
  { placements }: DatabaseView,
  waiting: readonly string[],
  token: string | undefined,
): DomainError {
  const away = placements.filter(({ id, state }) => waiting.includes(id) && state === 'OFFLINE');
  const why = away.length > 0 ? ` The servers of ${away.length} of its placements do not answer.` : '';
  return new DomainError(
    'WRITE_NOT_CONFIRMED',
    `The write is in the log and will be applied, but was not confirmed in time as its write policy asks.${why} Repeating it is safe.`,
    { metadata: { ...(token && { token }), placements: waiting.join(',') } },
  );
}

function recordRefused(refused: readonly PlacedRefusal[]): DomainError {
  const [first] = refused;
  const ids = refused.map(({ record }) => JSON.stringify(record.id)).slice(0, 20);
  return new DomainError('RECORD_REFUSED', `The server refused ${ids.join(', ')}: ${first?.reason ?? ''}`, {
    metadata: { recordIds: ids.join(',') },
  });
}
