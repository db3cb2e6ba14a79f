import { defineEntity, p } from '@mikro-orm/postgresql';

/**
 * The logs of all databases. No foreign key: checking one would lock the database's row once more for every mutation;
 * the statement that appends takes its sequence from that row, so it cannot miss it.
 */
export const MutationEntity = defineEntity({
  name: 'Mutation',
  tableName: 'mutations',
  properties: {
    databaseId: p.uuid().primary(),
    seq: p.bigint().primary(),
    /** See mutation.codec.ts. */
    payload: p.blob(),
    createdAt: p.datetime(6).defaultRaw('now()'),
  },
});
