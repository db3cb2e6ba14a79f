import { defineEntity, p } from '@mikro-orm/postgresql';
import { baseColumns } from '@morag/orm';
import type { JsonObject } from '../../json.ts';
import { OPERATION_KINDS, type OperationFailure } from './operation.ts';

/** Long-running operations. Without a foreign key: what became of one is told also when its database is gone. */
export const OperationEntity = defineEntity({
  name: 'Operation',
  tableName: 'operations',
  properties: {
    ...baseColumns,
    ownerId: p.uuid(),
    databaseId: p.uuid(),
    kind: p.enum(OPERATION_KINDS),
    request: p.json<JsonObject>(),
    notes: p.json<JsonObject>().defaultRaw("'{}'"),
    stage: p.string().length(255).default(''),
    percentage: p.integer().default(0),
    isDone: p.boolean().default(false),
    isCancelRequested: p.boolean().default(false),
    /** Its owner does not want to hear of it any more; it goes when it is done. */
    isForgotten: p.boolean().default(false),
    failure: p.json<OperationFailure>().nullable(),
    response: p.json<JsonObject>().nullable(),
    /** Grows each time another instance takes the work. */
    epoch: p.bigint().default('0'),
    leaseOwner: p.string().length(64).nullable(),
    leaseUntil: p.datetime(6).nullable(),
  },
  uniques: [{ name: 'operations_running', properties: ['databaseId', 'kind'], where: 'not is_done' }],
  indexes: [
    { name: 'operations_owner_created', properties: ['ownerId', 'createdAt', 'id'] },
    { name: 'operations_created', properties: ['createdAt', 'id'] },
  ],
});
