import { defineEntity, p } from '@mikro-orm/postgresql';

const OutboxEventSchema = defineEntity({
  name: 'OutboxEvent',
  tableName: 'outbox_events',
  properties: {
    seq: p.bigint().primary().autoincrement(),
    /** Events of one key are delivered in order, one after the other. */
    key: p.string(),
    type: p.string(),
    payload: p.json<unknown>(),
    attempts: p.integer().default(0),
    /** Not before this: the end of a relay's lease, or of the pause after a failure. */
    dueAt: p.datetime(6),
    /** The relay that holds the event. */
    leaseId: p.uuid().nullable(),
    createdAt: p.datetime(6),
  },
  indexes: [{ properties: ['key', 'seq'] }, { properties: ['dueAt'] }],
});

/** Something that happened and that others are still to be told. A service that appends lists it among its entities. */
export class OutboxEvent extends OutboxEventSchema.class {}
OutboxEventSchema.setClass(OutboxEvent);
