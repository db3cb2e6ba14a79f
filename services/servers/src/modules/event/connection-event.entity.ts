import { defineEntity, p } from '@mikro-orm/postgresql';
import { ServerEntity } from '../server/server.entity.ts';
import { CONNECTION_EVENT_KINDS } from './connection-event.ts';

/** A change in our connections to a server; a bounded number is kept for each. */
export const ConnectionEventEntity = defineEntity({
  name: 'ConnectionEvent',
  tableName: 'connection_events',
  properties: {
    server: () => p.manyToOne(ServerEntity).primary().deleteRule('cascade').ref(),
    /** UUIDv7: in the order of time. */
    id: p.uuid().primary(),
    kind: p.enum(CONNECTION_EVENT_KINDS),
    detail: p.string().length(500),
    createdAt: p.datetime(6),
  },
});
