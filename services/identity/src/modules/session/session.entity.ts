import { defineEntity, p } from '@mikro-orm/postgresql';
import { baseColumns } from '@morag/orm';
import { User } from '../user/user.entity.ts';

const SessionSchema = defineEntity({
  name: 'Session',
  tableName: 'sessions',
  properties: {
    ...baseColumns,
    user: () => p.manyToOne(User).deleteRule('cascade').ref(),
    /** The refresh token in force is the how-manieth; an older one is a reuse. */
    generation: p.integer().default(1),
    /** `User-Agent` of the log-in. */
    device: p.string().length(200).default(''),
    /** Where it was last used from. */
    address: p.string().length(45).default(''),
    lastUsedAt: p.datetime(6).onCreate(() => new Date()),
    expiresAt: p.datetime(6),
    revokedAt: p.datetime(6).nullable(),
  },
  indexes: [{ name: 'sessions_user', properties: ['user', 'lastUsedAt'] }],
});

/** One log-in: a family of refresh tokens of which one is in force. */
export class Session extends SessionSchema.class {}
SessionSchema.setClass(Session);
