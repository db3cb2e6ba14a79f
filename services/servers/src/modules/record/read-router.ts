import type { CallOptions, VectorConnector } from '@morag/connectors-core';
import { DomainError } from '@morag/errors';
import type { Call } from '../../call.ts';
import { blamesServer, fromConnectorError } from '../connector/connector-errors.ts';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { ReadPolicy } from '../database/database.ts';
import type { DatabaseView, PlacementView } from '../database/database-view.ts';
import type { SequenceBoard } from '../log/sequence-board.ts';
import { type Candidate, chooseCandidates } from './read-candidates.ts';

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
}

const RETRY_AFTER_MS = 1_000;

/** Creates the router: the best candidate answers, and when its server fails, the next one does, within the deadline. */
export function createReadRouter({ pool, board }: ReadRouterDeps): ReadRouter {
  const wait = async ({ placement, waitsFor }: Candidate, call: Call): Promise<void> => {
    if (board.applied(placement.id) >= waitsFor) return;
    const inTime = AbortSignal.timeout(call.options().timeoutMs ?? call.remainingMs());
    await board.waitApplied(placement.id, waitsFor, AbortSignal.any([call.signal, inTime])).catch(() => {
      call.signal.throwIfAborted();
      throw unavailable('No placement has caught up with what the read asks for.');
    });
  };

  return {
    async read(view, demand, call, work) {
      const head = Math.max(view.headSequence, board.head(view.id));
      const candidates = chooseCandidates(view, demand, { head, applied: (id) => board.applied(id) });
      let failure: unknown;
      for (const candidate of candidates) {
        const { placement } = candidate;
        await wait(candidate, call);
        try {
          const answer = await pool.use(placement, (connector) => work(connector, placement, call.options()));
          const staleness = Math.max(0, head - board.applied(placement.id));
          return { answer, servedBy: placement.id, staleness };
        } catch (error) {
          if (!blamesServer(error) || call.signal.aborted) throw fromConnectorError(error, call.signal);
          failure = error;
        }
      }
      throw unavailable('No placement of the database can be read now.', failure);
    },
  };
}

function unavailable(text: string, cause?: unknown): DomainError {
  const detail = cause instanceof Error ? `${text} The last server answered: ${cause.message}` : text;
  return new DomainError('NO_PLACEMENT_AVAILABLE', detail, { retryAfterMs: RETRY_AFTER_MS, cause });
}
