import { newId } from '@morag/orm';
import type { SwitchPrimary } from '../placement/switch-primary.ts';
import type { FailoverStore, PlacedCopy } from './failover.store.ts';
import type { FailoverEvent } from './failover.ts';

/** What a change of the primary needs. */
export interface PromoteDeps {
  readonly failovers: Pick<FailoverStore, 'insert'>;
  readonly switchPrimary: SwitchPrimary;
}

/** See promote. */
export interface Promotion {
  readonly from: PlacedCopy;
  readonly to: PlacedCopy;
  readonly reason: string;
  readonly isAutomatic: boolean;
  readonly detectedAt: Date;
}

/** Makes a replica the primary, with an event of it in the same transaction. */
export async function promote(
  { failovers, switchPrimary }: PromoteDeps,
  { from, to, reason, isAutomatic, detectedAt }: Promotion,
  signal: AbortSignal,
): Promise<FailoverEvent> {
  const { databaseId } = to;
  const known = {
    id: newId(),
    databaseId,
    fromPlacementId: from.placementId,
    toPlacementId: to.placementId,
    reason,
    isAutomatic,
    detectedAt,
    firstSequence: to.appliedSequence + 1,
  };
  let event: FailoverEvent | undefined;
  await switchPrimary({
    databaseId,
    from: from.placementId,
    to: to.placementId,
    isTemporary: isAutomatic,
    reason,
    signal,
    async alongside(em, { sequence, promotedAt }) {
      event = { ...known, lastSequence: sequence, promotedAt };
      await failovers.insert(em, event);
    },
  });
  if (!event) throw new Error('a primary was changed without an event');
  return event;
}
