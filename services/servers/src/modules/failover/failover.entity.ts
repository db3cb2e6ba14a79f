import { defineEntity, p } from '@mikro-orm/postgresql';
import { DatabaseEntity } from '../database/database.entity.ts';

/** A change of the primary; see `FailoverEvent`. */
export const FailoverEventEntity = defineEntity({
  name: 'FailoverEvent',
  tableName: 'failover_events',
  properties: {
    id: p.uuid().primary(),
    database: () => p.manyToOne(DatabaseEntity).deleteRule('cascade').ref(),
    /** No foreign keys: an event outlives its placements. */
    fromPlacementId: p.uuid(),
    toPlacementId: p.uuid(),
    reason: p.string().length(500),
    /** Nobody asked for it. */
    isAutomatic: p.boolean(),
    detectedAt: p.datetime(6),
    promotedAt: p.datetime(6),
    firstSeq: p.bigint(),
    lastSeq: p.bigint(),
  },
  indexes: [{ name: 'failover_events_database', properties: ['database', 'id'] }],
});
