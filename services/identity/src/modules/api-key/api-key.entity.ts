import { defineEntity, p } from '@mikro-orm/postgresql';
import { baseColumns } from '@morag/orm';
import { User } from '../user/user.entity.ts';

const ApiKeySchema = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  properties: {
    ...baseColumns,
    user: () => p.manyToOne(User).deleteRule('cascade').ref(),
    /** Unique for the user among the keys in force, by a partial index of the migration. */
    name: p.string().length(255),
    description: p.string().length(1000).default(''),
    /** SHA-256 of the secret in force. */
    secretHash: p.blob().hidden(),
    /** Of the one before the last rotation, which works on until `previousUntil`. */
    previousHash: p.blob().nullable().hidden(),
    previousUntil: p.datetime(6).nullable(),
    permissions: p.array(),
    resources: p.array(),
    cidrs: p.array(),
    /** Calls a minute; 0 for the installation's default. */
    rateLimit: p.integer().default(0),
    expiresAt: p.datetime(6).nullable(),
    revokedAt: p.datetime(6).nullable(),
    lastUsedAt: p.datetime(6).nullable(),
    lastUsedAddress: p.string().length(45).default(''),
  },
  indexes: [{ name: 'api_keys_user', properties: ['user', 'createdAt', 'id'] }],
});

/** A credential for programs. Its secret is not here. */
export class ApiKey extends ApiKeySchema.class {}
ApiKeySchema.setClass(ApiKey);

const ApiKeyUsageSchema = defineEntity({
  name: 'ApiKeyUsage',
  tableName: 'api_key_usage',
  properties: {
    key: () => p.manyToOne(ApiKey).deleteRule('cascade').ref().primary(),
    day: p.date().primary(),
    method: p.string().length(200).primary(),
    outcome: p.string().length(32).primary(),
    calls: p.bigint('bigint'),
  },
});

/** How many calls of a key, on a day, of a method, ended in one way. */
export class ApiKeyUsage extends ApiKeyUsageSchema.class {}
ApiKeyUsageSchema.setClass(ApiKeyUsage);

const UsageBatchSchema = defineEntity({
  name: 'UsageBatch',
  tableName: 'usage_batches',
  properties: { id: p.uuid().primary(), createdAt: p.datetime(6).index('usage_batches_created') },
});

/** A batch of counts that has been added, so that its repetition is known for one. Kept for a day. */
export class UsageBatch extends UsageBatchSchema.class {}
UsageBatchSchema.setClass(UsageBatch);
