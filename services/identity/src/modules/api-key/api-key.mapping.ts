import { create } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { publicPart } from '@morag/auth';
import {
  type ApiKey,
  ApiKeySchema,
  type ApiKeyUsage,
  ApiKeyUsageSchema,
} from '@morag/gen/morag/identity/v1/api_key_pb.ts';
import { etagOf } from '@morag/orm';
import type { ApiKeyRow, ApiKeySpec } from './api-key.store.ts';
import type { UsageRow } from './usage.store.ts';

const optional = (date: Date | null) => (date ? timestampFromDate(date) : undefined);

/** A row as the API shows it. */
export function toApiKey(row: ApiKeyRow): ApiKey {
  return create(ApiKeySchema, {
    id: row.id,
    ownerId: row.ownerId,
    name: row.name,
    description: row.description,
    prefix: publicPart(row.id),
    permissions: [...row.permissions],
    resources: [...row.resources],
    cidrs: [...row.cidrs],
    expireTime: optional(row.expiresAt),
    rateLimit: row.rateLimit,
    revokeTime: optional(row.revokedAt),
    lastUseTime: optional(row.lastUsedAt),
    lastUseAddress: row.lastUsedAddress,
    createTime: timestampFromDate(row.createdAt),
    updateTime: timestampFromDate(row.updatedAt),
    etag: etagOf(row),
  });
}

/** What an owner decides, from a request. */
export function fromApiKey(key: ApiKey): ApiKeySpec {
  return {
    name: key.name,
    description: key.description,
    permissions: key.permissions,
    resources: key.resources,
    cidrs: key.cidrs,
    rateLimit: key.rateLimit,
    expiresAt: key.expireTime ? timestampDate(key.expireTime) : null,
  };
}

const FIELDS: Readonly<Record<keyof ApiKeySpec, string>> = {
  name: 'name',
  description: 'description',
  permissions: 'permissions',
  resources: 'resources',
  cidrs: 'cidrs',
  rateLimit: 'rate_limit',
  expiresAt: 'expire_time',
};

/** Those of it that an update names. */
export function changesOf(key: ApiKey, fields: ReadonlySet<string>): Partial<ApiKeySpec> {
  return Object.fromEntries(
    Object.entries(fromApiKey(key)).filter(([name]) => fields.has(FIELDS[name as keyof ApiKeySpec])),
  );
}

/** A row of usage as the API shows it. */
export function toUsage({ day, method, calls, errors, outcomes }: UsageRow): ApiKeyUsage {
  const byOutcome = Object.fromEntries(Object.entries(outcomes).map(([outcome, count]) => [outcome, BigInt(count)]));
  return create(ApiKeyUsageSchema, { day, method, calls, errors, outcomes: byOutcome });
}
