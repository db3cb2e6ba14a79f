import type { Lease, LeaseStore } from '../../src/modules/log/lease.store.ts';
import type { LogEntry } from '../../src/modules/log/mutation.ts';
import { FOLLOWING_STATES, type PlacementRole, type PlacementState } from '../../src/modules/placement/placement.ts';
import type { Mutant } from './mutants.ts';
import type { Link } from './network.ts';

/** The one database. */
export const DATABASE_ID = '00000000-0000-7000-8000-000000000001';

/** A row of the table of placements. */
export interface PlacementRow {
  readonly id: string;
  readonly serverId: string;
  role: PlacementRole;
  state: PlacementState;
  appliedSequence: number;
  syncSequence: number;
  repairSequence: number;
  epoch: number;
  leaseOwner: string | undefined;
  leaseUntilMs: number;
  /** Who took the lease last. */
  lastOwner: string | undefined;
  readonly quarantined: Set<string>;
  /** When what was confirmed, of the last while. */
  readonly confirmed: { atMs: number; sequence: number }[];
}

/** Executes a statement, over the way that an instance has to PostgreSQL. */
export type Ask = <T>(statement: () => T | Promise<T>) => Promise<T>;

/** See simulateLeases. */
export interface LeasesDeps {
  readonly link: Link;
  readonly ask: Ask;
  readonly rows: readonly PlacementRow[];
  readonly rowOf: (placementId: string) => PlacementRow;
  readonly log: readonly LogEntry[];
  readonly now: () => number;
  readonly mutant: Mutant | undefined;
}

const LAG_MAX = 1_000;

/** What lease.store.ts does by SQL. */
export function simulateLeases(deps: LeasesDeps): LeaseStore {
  const { ask, link, rows, rowOf, log, now, mutant } = deps;
  const isFree = ({ leaseOwner, leaseUntilMs }: PlacementRow): boolean =>
    leaseOwner === undefined || leaseOwner === link.instanceId || leaseUntilMs < now() || mutant === 'two-appliers';
  return {
    ...simulateHeld(deps),
    acquire: (placementId, ttlMs) =>
      ask(() => {
        const row = rowOf(placementId);
        if (!FOLLOWING_STATES.includes(row.state) || !isFree(row)) return undefined;
        row.leaseOwner = link.instanceId;
        row.lastOwner = link.instanceId;
        row.leaseUntilMs = now() + ttlMs;
        row.epoch++;
        return toLease(row);
      }),
    release: ({ placementId, epoch }) =>
      ask(() => {
        const row = rowOf(placementId);
        if (row.epoch === epoch) row.leaseOwner = undefined;
      }),
    unserved: () =>
      ask(() =>
        rows
          .filter((row) => row.appliedSequence < log.length && isFree(row))
          .map(({ id }) => ({ placementId: id, databaseId: DATABASE_ID })),
      ),
    progress: (ids) =>
      ask(() =>
        ids.map((id) => {
          const { epoch, appliedSequence } = rowOf(id);
          return { placementId: id, epoch, appliedSequence };
        }),
      ),
  };
}

/** Writes that hold only under the current epoch. */
function simulateHeld({ ask, rowOf, log, now, mutant }: LeasesDeps) {
  const held = ({ placementId, epoch }: Lease, change: (row: PlacementRow) => void): Promise<boolean> => {
    const answer = ask(() => {
      const row = rowOf(placementId);
      if (row.epoch !== epoch) return mutant === 'deaf-to-fencing';
      change(row);
      return true;
    });
    return mutant === 'deaf-to-fencing' ? answer.catch(() => true) : answer;
  };
  return {
    renew: (lease: Lease, ttlMs: number) =>
      held(lease, (row) => {
        row.leaseUntilMs = now() + ttlMs;
      }),
    advance: (lease: Lease, sequence: number, ttlMs: number) =>
      held(lease, (row) => {
        row.leaseUntilMs = now() + ttlMs;
        row.appliedSequence = Math.max(row.appliedSequence, sequence);
        row.confirmed.push({ atMs: now(), sequence: row.appliedSequence });
        const isFull = row.appliedSequence >= row.syncSequence;
        const isNear = row.appliedSequence + LAG_MAX >= log.length;
        row.state = isFull ? (isNear ? 'IN_SYNC' : 'LAGGING') : 'CATCHING_UP';
      }),
    fail: (lease: Lease) =>
      held(lease, (row) => {
        if (row.state !== 'CATCHING_UP' && row.appliedSequence < log.length) row.state = 'OFFLINE';
      }),
    quarantine: (lease: Lease, refused: Parameters<LeaseStore['quarantine']>[1], taken: readonly string[]) =>
      held(lease, (row) => {
        for (const id of taken) row.quarantined.delete(id);
        for (const { record } of refused) row.quarantined.add(record.id);
      }),
    /** The log is never trimmed here. */
    rebuild: async () => false,
  };
}

function toLease({ id, epoch, appliedSequence, repairSequence, state, quarantined }: PlacementRow): Lease {
  return { placementId: id, epoch, appliedSequence, repairSequence, state, hasQuarantine: quarantined.size > 0 };
}
