import { defineEntity, p } from '@mikro-orm/postgresql';

const IdempotencyKeySchema = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_keys',
  properties: {
    caller: p.string().primary(),
    method: p.string().primary(),
    requestId: p.string().primary(),
    fingerprint: p.string(),
    /** Null while the call runs. */
    response: p.blob().nullable(),
    /** Which run holds the key while `response` is null, and until when. */
    runId: p.uuid(),
    leaseUntil: p.datetime(6),
    createdAt: p.datetime(6).index(),
  },
});

/** The answer to a call that carried a `request_id`. A service whose RPCs take one lists it among its entities. */
export class IdempotencyKey extends IdempotencyKeySchema.class {}
IdempotencyKeySchema.setClass(IdempotencyKey);
