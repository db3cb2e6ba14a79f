import type { CallOptions, VectorConnector } from '@morag/connectors-core';
import { DomainError } from '@morag/errors';
import type { Call } from '../../call.ts';
import { blamesServer, fromConnectorError } from '../connector/connector-errors.ts';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { ReadPolicy } from '../database/database.ts';
import type { DatabaseView, PlacementView } from '../database/database-view.ts';
import type { SequenceBoard } from '../log/sequence-board.ts';
import type { HedgeBudget } from './hedge-budget.ts';
import type { LoadBoard } from './load-board.ts';
import { type Patience, type Runner, race } from './race.ts';
import { rank, type Standing } from './rank.ts';
import { type Candidate, chooseCandidates } from './read-candidates.ts';
import type { ReadObserver } from './read-metrics.ts';

/** What a read demands of the placement that answers it. */
export interface ReadDemand {
  readonly policy: ReadPolicy;
  /** Sequence that has to be applied; 0 for none. */
  readonly atLeast: number;
  /** For BOUNDED. */
  readonly maxStaleness: number;
}

/** An answer, and where it comes from. */
export interface Served<T> {
  readonly answer: T;
  readonly servedBy: string;
  /** Mutations that the placement was behind. */
  readonly staleness: number;
}

/** Runs a read at a placement. */
export type ReadWork<T> = (connector: VectorConnector, placement: PlacementView, options: CallOptions) => Promise<T>;

/** Sends reads to placements. */
export interface ReadRouter {
  /** NO_PLACEMENT_AVAILABLE when none that is fresh enough answers in time. */
  read<T>(view: DatabaseView, demand: ReadDemand, call: Call, work: ReadWork<T>): Promise<Served<T>>;
}

/** See createReadRouter. */
export interface ReadRouterDeps {
  readonly pool: Pick<ConnectorPool, 'use'>;
  readonly board: SequenceBoard;
  readonly loads: LoadBoard;
  readonly hedges: HedgeBudget;
  /** Whether the server is known or suspected to be down, so that reads shall go elsewhere where they can. */
  readonly isDown: (serverId: string) => boolean;
  readonly observer: ReadObserver;
  /** From 0 to below 1. */
  readonly random: () => number;
}

const RETRY_AFTER_MS = 1_000;

/**
 * Creates the router. The candidate that is expected to answer first does; when its server fails, the next one is asked
 * at once, and when it is late, beside it: after the p95 of that placement as far as the budget of hedges goes, and in any
 * case when it is so late that it seems stuck or half of the caller's time is over; but not one whose server is down, which would be late for nothing. The first
 * answer counts. All of it within the caller's deadline.
 */
export function createReadRouter(deps: ReadRouterDeps): ReadRouter {
  const { board, loads, hedges, random } = deps;
  const standing: Standing = {
    cost: (id) => loads.cost(id),
    isDown: ({ placement }) => deps.isDown(placement.serverId),
    isEjected: ({ placement }) => loads.isEjected(placement.id),
    random,
  };
  return {
    async read(view, demand, call, work) {
      hedges.earn();
      const head = Math.max(view.headSequence, board.head(view.id));
      const candidates = chooseCandidates(view, demand, { head, applied: (id) => board.applied(id) });
      const ranked = rank(candidates, standing);
      if (ranked.length === 0) throw unavailable(view, demand);
      const runners = ranked.map((candidate, index) =>
        runnerOf(deps, { candidate, next: ranked[index + 1], head, call, work, isRetry: index > 0 }),
      );
      try {
        return await race(runners, call.signal);
      } catch (error) {
        if (blamesServer(error) && !call.signal.aborted) throw unavailable(view, demand, error);
        throw fromConnectorError(error, call.signal);
      }
    },
  };
}

interface Trial<T> {
  readonly candidate: Candidate;
  /** Who is asked after it, or beside it. */
  readonly next: Candidate | undefined;
  readonly head: number;
  readonly call: Call;
  readonly work: ReadWork<T>;
  readonly isRetry: boolean;
}

function runnerOf<T>(
  deps: ReadRouterDeps,
  { candidate, next, head, call, work, isRetry }: Trial<T>,
): Runner<Served<T>> {
  const { pool, board, loads, hedges, observer } = deps;
  const { placement } = candidate;
  const isWorthAsking = (): boolean => next !== undefined && !deps.isDown(next.placement.serverId);
  let attempt: ReturnType<LoadBoard['begin']> | undefined;
  return {
    async run(signal) {
      observer.picked(placement, isRetry);
      await caughtUp(board, candidate, call, signal);
      const options = { ...call.options(), signal };
      attempt = loads.begin(placement.id);
      const end = observer.started(placement);
      try {
        const answer = await pool.use(placement, (connector) => work(connector, placement, options));
        attempt.end('answered');
        end();
        return { answer, servedBy: placement.id, staleness: Math.max(0, head - board.applied(placement.id)) };
      } catch (error) {
        const isItsFault = blamesServer(error) && !signal.aborted;
        attempt.end(isItsFault ? 'failed' : 'abandoned');
        end(error);
        throw error;
      }
    },
    isOwnFailure: (error) => blamesServer(error) || error instanceof TooOld,
    patience(): readonly Patience[] {
      const late = (afterMs: number, isOver: () => boolean): Patience => ({ afterMs, isOver });
      const p95Ms = loads.p95Ms(placement.id);
      const stallMs = loads.stallMs(placement.id);
      const stalled = late(stallMs, () => {
        attempt?.stalled();
        return isWorthAsking();
      });
      // By then another one must be asked for the caller to be answered; but not one that would take too long itself.
      const halfMs = call.remainingMs() / 2;
      const isInTime = (): boolean => next !== undefined && loads.cost(next.placement.id) < halfMs;
      const hurried = halfMs < stallMs ? [late(halfMs, () => isWorthAsking() && isInTime())] : [];
      if (p95Ms === undefined || p95Ms >= stallMs) return [...hurried, stalled];
      const hedged = late(p95Ms, () => {
        const may = isWorthAsking() && hedges.spend();
        if (may) observer.hedged(placement);
        return may;
      });
      return [hedged, ...hurried, stalled];
    },
  };
}

/** A placement did not catch up in time with what the read asks for. */
class TooOld extends DomainError {}

/** Waits until the placement has what the read asks for. */
async function caughtUp(board: SequenceBoard, candidate: Candidate, call: Call, signal: AbortSignal): Promise<void> {
  const { placement, waitsFor } = candidate;
  if (board.applied(placement.id) >= waitsFor) return;
  const inTime = AbortSignal.timeout(Math.ceil(call.options().timeoutMs ?? call.remainingMs()));
  await board.waitApplied(placement.id, waitsFor, AbortSignal.any([signal, inTime])).catch(() => {
    signal.throwIfAborted();
    throw new TooOld('NO_PLACEMENT_AVAILABLE', 'No placement has caught up with what the read asks for.', {
      retryAfterMs: RETRY_AFTER_MS,
    });
  });
}

function unavailable({ pinnedServerId, primary }: DatabaseView, { policy }: ReadDemand, cause?: unknown): DomainError {
  const isElsewhere = policy === 'PRIMARY' && primary.serverId !== pinnedServerId;
  const why = isElsewhere
    ? 'and this one asks for the primary, which is elsewhere'
    : 'which cannot answer this one now';
  const text = pinnedServerId
    ? `The reads of the database are pinned to the server ${pinnedServerId}, ${why}.`
    : 'No placement of the database can be read now.';
  const detail = cause instanceof Error ? `${text} The last server answered: ${cause.message}` : text;
  return new DomainError('NO_PLACEMENT_AVAILABLE', detail, {
    retryAfterMs: RETRY_AFTER_MS,
    ...(pinnedServerId && { metadata: { pinnedServerId } }),
    cause,
  });
}
