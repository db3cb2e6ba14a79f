import type { HealthStore } from '../../src/modules/health/health.store.ts';
import type { WindBackStore, WoundBackPlacement } from '../../src/modules/placement/wind-back.store.ts';
import type { Mutant } from './mutants.ts';
import { type Ask, DATABASE_ID, type PlacementRow } from './simulated-leases.ts';

/** See simulateWindBacks. */
export interface WindBacksDeps {
  readonly ask: Ask;
  readonly placements: readonly PlacementRow[];
  /** Servers that stopped, and when: their placements are to be wound back. */
  readonly stoppedAtMs: Map<string, number>;
  /** Placements of a server are about to be wound back; true when who asks dies before. */
  readonly diesBeforeWindBack: (serverId: string) => boolean;
  readonly mutant: Mutant | undefined;
}

/** Longer than a server takes to flush, by the time in which its death is noticed. */
const CRASH_WINDOW_MS = 12_000;

/** What health.store.ts and wind-back.store.ts do by SQL, for one instance. */
export function simulateWindBacks(deps: WindBacksDeps): {
  readonly windBacks: WindBackStore;
  readonly health: Pick<HealthStore, 'write'>;
} {
  const { ask, diesBeforeWindBack, mutant } = deps;
  const stopped = mutant === 'stops-in-memory' ? new Map<string, number>() : deps.stoppedAtMs;
  return {
    windBacks: {
      windBackDue: () =>
        ask(() => {
          const due = [...stopped];
          if (due.some(([serverId]) => diesBeforeWindBack(serverId))) return { servers: 0, placements: [] };
          stopped.clear();
          const placements = due.flatMap(([serverId, atMs]) => windBack(deps, serverId, atMs - CRASH_WINDOW_MS));
          return { servers: due.length, placements };
        }),
    },
    health: {
      write: (_looks, statuses) =>
        ask(() => {
          for (const { serverId, stoppedAt } of statuses) {
            if (stoppedAt && !stopped.has(serverId)) stopped.set(serverId, stoppedAt.getTime());
          }
        }),
    },
  };
}

/** Only what was confirmed by `safeAtMs` is known to be there. */
function windBack({ placements, mutant }: WindBacksDeps, serverId: string, safeAtMs: number): WoundBackPlacement[] {
  if (mutant === 'no-wind-back') return [];
  const woundBack = placements.filter((row) => {
    const fresh = row.confirmed.find(({ atMs }) => atMs > safeAtMs);
    if (row.serverId !== serverId || !fresh) return false;
    const safe = row.confirmed.findLast(({ atMs }) => atMs <= safeAtMs)?.sequence ?? 0;
    if (safe >= row.appliedSequence) return false;
    row.epoch++;
    row.state = 'CATCHING_UP';
    row.repairSequence = Math.max(row.repairSequence, row.appliedSequence);
    row.syncSequence = Math.max(row.syncSequence, row.appliedSequence);
    row.appliedSequence = safe;
    // What was confirmed beyond is void: it is not to count as old enough when the server stops once more.
    const kept = row.confirmed.filter(({ sequence }) => sequence <= safe);
    row.confirmed.splice(0, row.confirmed.length, ...kept);
    return true;
  });
  return woundBack.map(({ id }) => ({ serverId, placementId: id, databaseId: DATABASE_ID }));
}
