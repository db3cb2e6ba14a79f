import { DomainError } from '@morag/errors';
import type { HealthMonitor } from '../health/health-monitor.ts';
import type { HealthView } from '../health/health-view.ts';
import { follows, placementConflict } from '../placement/placement.ts';
import { freshest, isFit } from './choose-target.ts';
import type { FailoverStore, PlacedCopy } from './failover.store.ts';
import type { FailoverEvent } from './failover.ts';
import { standingOf } from './failover-keeper.ts';
import { type PromoteDeps, promote } from './promote.ts';

/** See failOver. */
export interface FailOverDeps extends PromoteDeps {
  readonly failovers: FailoverStore;
  readonly health: HealthView;
  readonly monitor: Pick<HealthMonitor, 'isFlapping'>;
  readonly clock: () => Date;
}

/** Which database, and whereto. */
export interface FailOverInput {
  readonly databaseId: string;
  /** Empty for the freshest. */
  readonly placementId: string;
  /** Also to one that has yet to catch up, or whose server is not known to be well. */
  readonly force: boolean;
}

/** Who hands over to whom. */
export interface Handing {
  readonly from: PlacedCopy;
  readonly to: PlacedCopy;
}

/**
 * Who takes over when somebody asks: PLACEMENT_NOT_FOUND, and PLACEMENT_CONFLICT for the primary itself and for one that
 * cannot take over (yet). With `force` one that is behind is waited for; nothing is lost either way.
 */
export async function chooseHanding(deps: FailOverDeps, input: FailOverInput): Promise<Handing> {
  const { databaseId, placementId, force } = input;
  const copies = await deps.failovers.copies(databaseId);
  const standings = copies.map((copy) => standingOf(deps, copy));
  const from = copies.find(({ role }) => role === 'PRIMARY');
  const elsewhere = standings.filter(({ role, serverId }) => role === 'REPLICA' && serverId !== from?.serverId);
  const wanted = placementId || freshest(elsewhere.filter(force ? follows : isFit))?.placementId;
  const to = copies.find((copy) => copy.placementId === wanted);
  const standing = standings.find((each) => each.placementId === wanted);
  if (!from || wanted === undefined) {
    const why = elsewhere.map(({ state, health }) => ` One is ${state} and its server ${health}.`);
    throw placementConflict(`The database has no replica that could take over.${why.join('')}`);
  }
  if (!to || !standing) {
    throw new DomainError('PLACEMENT_NOT_FOUND', 'There is no such placement.', { metadata: { placementId } });
  }
  if (to === from) throw placementConflict('The placement is the primary already.');
  if (!follows(to)) throw placementConflict(`The placement is ${to.state} and cannot take over.`);
  if (!force && !isFit(standing)) {
    throw placementConflict(
      `The placement is ${to.state} and its server ${standing.health}; with force it takes over when it has caught up.`,
    );
  }
  return { from, to };
}

/** Makes a replica the primary because somebody asked for it. A dead primary is not waited for. */
export async function failOver(deps: FailOverDeps, handing: Handing, signal: AbortSignal): Promise<FailoverEvent> {
  const request = { ...handing, reason: 'Asked for.', isAutomatic: false, detectedAt: deps.clock() };
  return promote(deps, request, signal);
}
