import { defineEntity, p } from '@mikro-orm/postgresql';

const RevocationSchema = defineEntity({
  name: 'Revocation',
  tableName: 'revocations',
  properties: {
    sequence: p.bigint('bigint').primary().autoincrement(),
    userId: p.uuid(),
    /** Null: all of the user's sessions. */
    sessionId: p.uuid().nullable(),
    /** Tokens issued at or before this are refused. */
    notAfter: p.datetime(6),
    /** When the last of them has expired. */
    expiresAt: p.datetime(6).index('revocations_expires'),
  },
});

/** Access tokens that are refused although they have not expired. Kept for as long as one of them could live. */
export class Revocation extends RevocationSchema.class {}
RevocationSchema.setClass(Revocation);
