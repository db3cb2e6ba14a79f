import type { Database } from '@morag/orm';
import { decodeMutation } from '../log/mutation.codec.ts';
import type { LoggedRecord } from '../log/mutation.ts';

/** Records in quarantine, and how far their placement was before they were read. */
export interface QuarantineBatch {
  readonly appliedSequence: number;
  readonly records: readonly LoggedRecord[];
}

/** What servers refused, in PostgreSQL. */
export interface QuarantineStore {
  /** Those of the ids, or, for none, the first of all. */
  read(placementId: string, ids: readonly string[], limit: number): Promise<QuarantineBatch>;
  /** Forgets those of the ids, or, for none, all; answers how many. */
  drop(placementId: string, ids: readonly string[]): Promise<number>;
  /** How many of the ids are in it. */
  count(placementId: string, ids: readonly string[]): Promise<number>;
}

const SOME = 'placement_id = $1 and (cardinality($2::text[]) = 0 or record_id = any($2))';

/** Creates the store. */
export function createQuarantineStore(db: Database): QuarantineStore {
  return {
    async read(placementId, ids, limit) {
      // First how far the placement is: a newer write that it takes meanwhile is then seen to be newer.
      const [placement] = await db.read<{ applied_seq: bigint }>('select applied_seq from placements where id = $1', [
        placementId,
      ]);
      const rows = await db.read<{ payload: Buffer }>(
        `select payload from quarantined_records where ${SOME} order by record_id limit $3`,
        [placementId, ids, limit],
      );
      const records = rows.flatMap(({ payload }) => {
        const mutation = decodeMutation(payload);
        return mutation.kind === 'UPSERT' ? mutation.records : [];
      });
      return { appliedSequence: Number(placement?.applied_seq ?? 0), records };
    },
    async drop(placementId, ids) {
      const rows = await db.change(
        // Who sets records apart holds the placement too.
        `with held as materialized (select from placements where id = $1 for update)
         delete from quarantined_records using held where ${SOME} returning 1`,
        [placementId, ids],
      );
      return rows.length;
    },
    async count(placementId, ids) {
      const [row] = await db.read<{ count: bigint }>(
        'select count(*) as count from quarantined_records where placement_id = $1 and record_id = any($2)',
        [placementId, ids],
      );
      return Number(row?.count ?? 0);
    },
  };
}
