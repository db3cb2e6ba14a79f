import { defineEntity, p } from '@mikro-orm/postgresql';

const RateBucketSchema = defineEntity({
  name: 'RateBucket',
  tableName: 'rate_buckets',
  properties: {
    /** Digest of whose it is. */
    bucket: p.string().length(43).primary(),
    /** At `updatedAt`; time fills it. Below zero for calls that were let in before they were drawn for. */
    tokens: p.double(),
    updatedAt: p.datetime(6),
  },
});

/**
 * A bucket of tokens, one a call, that all instances of all services draw from. The table is unlogged (see its
 * migration): after a crash of PostgreSQL every bucket is full, which costs less than a log entry for each draw. It has
 * no other index, so that a draw changes its row in place.
 */
export class RateBucket extends RateBucketSchema.class {}
RateBucketSchema.setClass(RateBucket);
