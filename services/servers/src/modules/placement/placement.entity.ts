import { defineEntity, p } from '@mikro-orm/postgresql';
import { baseColumns } from '@morag/orm';
import { DatabaseEntity } from '../database/database.entity.ts';
import { ServerEntity } from '../server/server.entity.ts';
import { PLACEMENT_ROLES, PLACEMENT_STATES } from './placement.ts';

/** Where a database lives, how far it has followed the log, and who applies the log to it. */
export const PlacementEntity = defineEntity({
  name: 'Placement',
  tableName: 'placements',
  properties: {
    ...baseColumns,
    database: () => p.manyToOne(DatabaseEntity).deleteRule('restrict').ref(),
    server: () => p.manyToOne(ServerEntity).deleteRule('restrict').ref(),
    collection: p.string().length(255),
    role: p.enum(PLACEMENT_ROLES),
    state: p.enum(PLACEMENT_STATES),
    /** Confirmed by the server; only the holder of the current epoch may raise it. */
    appliedSeq: p.bigint().default('0'),
    /** Grows each time the lease changes hands. */
    epoch: p.bigint().default('0'),
    /** The service instance that applies the log; null when none does. */
    leaseOwner: p.string().length(64).nullable(),
    leaseUntil: p.datetime(6).nullable(),
    lastError: p.text().default(''),
    /** Until it has applied this one it is no full copy: what it holds was gathered while writes went on. */
    syncSeq: p.bigint().default('0'),
    /** When the server last confirmed something. */
    appliedAt: p.datetime(6).nullable(),
    /** What had been applied a while ago: by `checkpointAt` at least `checkpointNext`, and a good minute earlier `checkpointSeq`. */
    checkpointSeq: p.bigint().default('0'),
    checkpointNext: p.bigint().default('0'),
    checkpointAt: p.datetime(6).nullable(),
    /** Up to here its server may have lost what it confirmed: applied again in a way that repairs. */
    repairSeq: p.bigint().default('0'),
    /** Something of ours may be in its collection, so that the collection is ours to delete. */
    isWritten: p.boolean().default(true),
    /** The placement that its records are copied from, and how far that is; see copy-records.ts. */
    copySource: p.uuid().nullable(),
    copyCursor: p.text().nullable(),
    copied: p.bigint().default('0'),
    copyTotal: p.bigint().default('0'),
  },
  uniques: [
    { name: 'placements_server_collection', properties: ['server', 'collection'] },
    { name: 'placements_primary', properties: ['database'], where: `role = 'PRIMARY'` },
  ],
  indexes: [{ name: 'placements_database', properties: ['database'] }],
});

/** Records that a placement's server refused, with what it takes to try again. */
export const QuarantinedRecordEntity = defineEntity({
  name: 'QuarantinedRecord',
  tableName: 'quarantined_records',
  properties: {
    placement: () => p.manyToOne(PlacementEntity).primary().deleteRule('cascade').ref(),
    recordId: p.string().length(512).primary(),
    seq: p.bigint(),
    reason: p.text(),
    /** The record as a mutation of its own. */
    payload: p.blob(),
    createdAt: p.datetime(6),
  },
});
