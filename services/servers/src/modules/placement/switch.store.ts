import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@morag/errors';
import { type Database, type Em, query } from '@morag/orm';
import { FOLLOWING_STATES, type PlacementRole, type PlacementState, placementConflict } from './placement.ts';

/** Which placement hands over to which. */
export interface Handover {
  readonly databaseId: string;
  readonly from: string;
  readonly to: string;
  /** Nobody asked for it: the database remembers where its primary belongs, and may go back there. */
  readonly isTemporary?: boolean;
}

/** How far the one that takes over is behind the log. */
export interface HandoverGap {
  readonly head: number;
  readonly applied: number;
}

/** Changes of the primary in PostgreSQL. */
export interface SwitchStore {
  /** How far `to` is. PLACEMENT_CONFLICT when the roles or its state do not allow the handover. */
  gap(handover: Handover): Promise<HandoverGap>;
  /**
   * Swaps the roles while no write can enter the log and `to` has applied all of it; undefined, with nothing changed,
   * when it has not within `waitMs`. Of several at once for one database exactly one gets through, the others are refused.
   * `alongside` takes part in the transaction.
   */
  swap(handover: Handover, waitMs: number, alongside: Alongside, signal: AbortSignal): Promise<Swapped | undefined>;
}

/** What else is to be stored when the roles are swapped. */
export type Alongside = (em: Em, swapped: Swapped) => Promise<void>;

/** The moment in which the roles were swapped. */
export interface Swapped {
  /** The newest mutation of the log, applied by the new primary. */
  readonly sequence: number;
  readonly promotedAt: Date;
}

const POLL_MS = 5;

/** Creates the store. */
export function createSwitchStore(db: Database): SwitchStore {
  return {
    async gap(handover) {
      const rows = await db.read<PlacementRow>(STANDING, [handover.databaseId]);
      return standing(rows, handover);
    },
    swap: (handover, waitMs, alongside, signal) =>
      db.transaction(
        async (em) => {
          // Appending takes its sequence from this row: until the end of the transaction the log does not grow.
          await query(em, 'select from databases where id = $1 for no key update', [handover.databaseId]);
          const isLevel = await untilLevel(em, handover, waitMs, signal);
          if (!isLevel) return undefined;
          const { databaseId, from, to, isTemporary = false } = handover;
          await query(em, LOCK_BOTH, [databaseId, from, to]);
          // There is one primary at every moment: the old one steps down first.
          await query(em, SET_ROLE, [databaseId, from, 'REPLICA']);
          const [row] = await query<{ sequence: bigint; promoted_at: Date }>(em, SET_ROLE, [databaseId, to, 'PRIMARY']);
          if (!row) throw placementConflict('The placement is gone.');
          await query(em, SET_HOME, [databaseId, from, to, isTemporary]);
          const swapped = { sequence: Number(row.sequence), promotedAt: row.promoted_at };
          await alongside(em, swapped);
          return swapped;
        },
        { signal, isChange: (swapped) => swapped !== undefined },
      ),
  };
}

/** What its applier stores is visible here as soon as it is committed. */
async function untilLevel(em: Em, handover: Handover, waitMs: number, signal: AbortSignal): Promise<boolean> {
  for (const endsAtMs = performance.now() + waitMs; ; ) {
    const { head, applied } = standing(await query<PlacementRow>(em, STANDING, [handover.databaseId]), handover);
    if (applied >= head) return true;
    if (performance.now() >= endsAtMs) return false;
    await sleep(POLL_MS, undefined, { signal });
  }
}

const STANDING = `select p.id, p.role, p.state, p.applied_seq, p.sync_seq, d.head_seq
  from databases d join placements p on p.database_id = d.id where d.id = $1 and d.state = 'READY'`;

/** Not before the new primary is level: its applier stores there how far it is. */
const LOCK_BOTH = `select from placements where database_id = $1 and id in ($2, $3) order by id for no key update`;

const SET_ROLE = `update placements set role = $3, updated_at = now() from databases d
  where d.id = $1 and database_id = d.id and placements.id = $2 returning d.head_seq as sequence, now() as promoted_at`;

/** Where the primary belongs: null when it is there. */
const SET_HOME = `update databases
  set home_placement_id = case when $4::boolean then nullif(coalesce(home_placement_id, $2::uuid), $3::uuid) end
  where id = $1`;

interface PlacementRow {
  readonly id: string;
  readonly role: PlacementRole;
  readonly state: PlacementState;
  readonly applied_seq: bigint;
  readonly sync_seq: bigint;
  readonly head_seq: bigint;
}

function standing(rows: readonly PlacementRow[], { databaseId, from, to }: Handover): HandoverGap {
  if (rows.length === 0) {
    throw new DomainError('DATABASE_NOT_FOUND', 'There is no such database.', { metadata: { databaseId } });
  }
  const primary = rows.find(({ id }) => id === from);
  const target = rows.find(({ id }) => id === to);
  if (primary?.role !== 'PRIMARY') throw placementConflict('The placement that is to step down is not the primary.');
  if (!target) {
    throw new DomainError('PLACEMENT_NOT_FOUND', 'There is no such placement.', { metadata: { placementId: to } });
  }
  if (target.role !== 'REPLICA') throw placementConflict('The placement is the primary already.');
  if (!FOLLOWING_STATES.includes(target.state)) throw placementConflict(`The placement is ${target.state}.`);
  const applied = Number(target.applied_seq);
  return { head: Math.max(Number(target.head_seq), Number(target.sync_seq)), applied };
}
