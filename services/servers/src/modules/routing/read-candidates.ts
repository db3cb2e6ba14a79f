import type { DatabaseView, PlacementView } from '../database/database-view.ts';
import type { PlacementState } from '../placement/placement.ts';
import type { ReadDemand } from './read-router.ts';

/** A placement that may answer, once it has applied a certain mutation. */
export interface Candidate {
  readonly placement: PlacementView;
  /** 0 when it may answer as it is. */
  readonly waitsFor: number;
}

/** What is known of a database's log. */
export interface Progress {
  readonly head: number;
  readonly applied: (placementId: string) => number;
}

/** Placements whose collection holds what their sequence says, the most welcome first. */
export const READABLE: readonly PlacementState[] = ['IN_SYNC', 'CATCHING_UP', 'LAGGING', 'OFFLINE'];

/** Placements that reads may go to at all: those on the server to which they are pinned, or all. */
export function withinPin({ placements, pinnedServerId }: DatabaseView): readonly PlacementView[] {
  return pinnedServerId === '' ? placements : placements.filter(({ serverId }) => serverId === pinnedServerId);
}

/**
 * Who may answer a read. A placement that is too old is not refused but waited for: with one placement there is no other,
 * and it may be a moment only.
 */
export function chooseCandidates(view: DatabaseView, demand: ReadDemand, progress: Progress): readonly Candidate[] {
  const waitsFor = Math.max(demand.atLeast, demand.policy === 'BOUNDED' ? progress.head - demand.maxStaleness : 0);
  return withinPin(view)
    .filter(({ id, state }) => READABLE.includes(state) && (demand.policy !== 'PRIMARY' || id === view.primary.id))
    .map((placement) => ({ placement, waitsFor: progress.applied(placement.id) >= waitsFor ? 0 : waitsFor }));
}
