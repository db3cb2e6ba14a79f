import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@morag/errors';
import type { Logger } from '@morag/telemetry';
import type { DatabaseDirectory } from '../database/database-directory.ts';
import type { Appliers } from '../log/appliers.ts';
import type { LogObserver } from '../log/log-metrics.ts';
import type { Alongside, Handover, SwitchStore } from './switch.store.ts';

/** Which placement takes over from which, and why. */
export interface SwitchInput extends Handover {
  /** For people, in the log of the service. */
  readonly reason: string;
  /** Ends the attempt; nothing is changed then. */
  readonly signal: AbortSignal;
  /** Takes part in the transaction that swaps the roles. */
  readonly alongside?: Alongside;
}

/** A handover that took place. */
export interface Switched {
  /** The first mutation that the new primary had yet to apply when it began; after `lastSequence` when there was none. */
  readonly firstSequence: number;
  /** The newest one that it applied before it took over. */
  readonly lastSequence: number;
  readonly promotedAt: Date;
}

/** Makes a replica the primary; see createSwitchPrimary. */
export type SwitchPrimary = (input: SwitchInput) => Promise<Switched>;

/** See createSwitchPrimary. */
export interface SwitchPrimaryDeps {
  readonly switches: SwitchStore;
  readonly appliers: Pick<Appliers, 'ensure'>;
  readonly directory: Pick<DatabaseDirectory, 'forget'>;
  readonly logObserver: Pick<LogObserver, 'switched'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** So near to the head of the log, the rest is applied while writes wait. */
const CLOSE = 500;
/** Writes wait so long at most; then they go on, and the attempt is repeated. */
const WRITES_WAIT_MS_MAX = 1_000;
const POLL_MS = 20;
/** A target that gets no further for so long is not one. Longer than a lease that its dead holder has left. */
const STALLED_MS = 30_000;

/**
 * Makes the handover: the log is applied to the new primary while writes go on; the last of it while they wait for a
 * moment, with the roles swapped before the next one. So every write that was ever answered is at the new primary before it
 * answers for one. The old primary is not asked for anything: it may be dead, and is a replica like any other afterwards.
 */
export function createSwitchPrimary(deps: SwitchPrimaryDeps): SwitchPrimary {
  const { switches, appliers, directory, logObserver, now, logger } = deps;

  const approach = async (handover: Handover, signal: AbortSignal): Promise<void> => {
    let best = -1;
    for (let movedAtMs = now(); ; ) {
      appliers.ensure({ id: handover.to, databaseId: handover.databaseId });
      const { head, applied } = await switches.gap(handover);
      if (head - applied <= CLOSE) return;
      if (applied > best) {
        best = applied;
        movedAtMs = now();
      }
      if (now() - movedAtMs > STALLED_MS) throw stalled(handover.to);
      await sleep(POLL_MS, undefined, { signal });
    }
  };

  return async ({ reason, signal, alongside = async () => {}, ...handover }) => {
    const { databaseId, from, to } = handover;
    const firstSequence = (await switches.gap(handover)).applied + 1;
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      await approach(handover, signal);
      const swapped = await switches.swap(handover, WRITES_WAIT_MS_MAX, alongside, signal);
      if (swapped) {
        directory.forget(databaseId);
        logObserver.switched(databaseId);
        logger.info({ databaseId, from, to, reason, sequence: swapped.sequence }, 'the primary of a database changed');
        return { firstSequence, lastSequence: swapped.sequence, promotedAt: swapped.promotedAt };
      }
      if (attempt * WRITES_WAIT_MS_MAX > STALLED_MS) throw stalled(to);
      // Writes that waited get their turn.
      await sleep(WRITES_WAIT_MS_MAX, undefined, { signal });
    }
  };
}

function stalled(placementId: string): DomainError {
  return new DomainError('PLACEMENT_CONFLICT', 'The placement does not catch up with the log.', {
    metadata: { placementId },
  });
}
