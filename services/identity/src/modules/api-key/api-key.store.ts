import type { OwnerScope, Role } from '@morag/auth';
import { DomainError } from '@morag/errors';
import {
  type Database,
  type Em,
  equals,
  type ListRequest,
  type ListSpec,
  listPage,
  type Page,
  query,
  violatedConstraint,
} from '@morag/orm';

/** A key as reads give it: a plain row, without the hash of its secret. */
export interface ApiKeyRow {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  readonly description: string;
  readonly permissions: readonly string[];
  readonly resources: readonly string[];
  readonly cidrs: readonly string[];
  readonly rateLimit: number;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly lastUsedAddress: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly version: number;
}

/** What its owner decides about a key. */
export type ApiKeySpec = Pick<
  ApiKeyRow,
  'name' | 'description' | 'permissions' | 'resources' | 'cidrs' | 'rateLimit' | 'expiresAt'
>;

const COLUMNS = `id, user_id as "ownerId", name, description, permissions, resources, cidrs, rate_limit as "rateLimit",
  expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt",
  last_used_address as "lastUsedAddress", created_at as "createdAt", updated_at as "updatedAt", version`;

const LIST: ListSpec = {
  from: 'identity.api_keys',
  columns: COLUMNS,
  id: 'id',
  filter: {
    name: { column: 'name', kind: 'text' },
    revoked: { column: '(revoked_at is not null)', kind: 'boolean' },
  },
  order: { create_time: { column: 'created_at', type: 'timestamptz' }, name: { column: 'name', type: 'text' } },
  defaultOrder: 'create_time desc',
};

/** A page of a user's keys. */
export function listApiKeys(db: Database, userId: string, request: ListRequest): Promise<Page<ApiKeyRow>> {
  return listPage<ApiKeyRow>(db, LIST, request, [equals('user_id', userId)]);
}

/** A key in a scope, or API_KEY_NOT_FOUND. */
export async function readApiKey(db: Database, id: string, { ownerId }: OwnerScope): Promise<ApiKeyRow> {
  const [row] = await db.read<ApiKeyRow>(
    `select ${COLUMNS} from identity.api_keys where id = $1 and ($2::uuid is null or user_id = $2)`,
    [id, ownerId ?? null],
  );
  if (!row) throw apiKeyNotFound(id);
  return row;
}

/** A key in a scope, locked until the transaction ends; `inForce` leaves out those that were revoked. */
export async function lockApiKey(
  em: Em,
  id: string,
  { ownerId, inForce }: OwnerScope & { readonly inForce: boolean },
): Promise<ApiKeyRow> {
  const [row] = await query<ApiKeyRow>(
    em,
    `select ${COLUMNS} from identity.api_keys
      where id = $1 and ($2::uuid is null or user_id = $2) and (revoked_at is null or not $3) for update`,
    [id, ownerId ?? null, inForce],
  );
  if (!row) throw apiKeyNotFound(id);
  return row;
}

/** Adds a key; a name that is taken is ALREADY_EXISTS. */
export async function insertApiKey(
  em: Em,
  key: { readonly id: string; readonly ownerId: string; readonly secretHash: Buffer; readonly spec: ApiKeySpec },
): Promise<ApiKeyRow> {
  const { name, description, permissions, resources, cidrs, rateLimit, expiresAt } = key.spec;
  const [row] = await named(name, () =>
    query<ApiKeyRow>(
      em,
      `insert into identity.api_keys (id, user_id, secret_hash, name, description, permissions, resources, cidrs,
         rate_limit, expires_at, created_at, updated_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now(), now()) returning ${COLUMNS}`,
      [key.id, key.ownerId, key.secretHash, name, description, permissions, resources, cidrs, rateLimit, expiresAt],
    ),
  );
  if (!row) throw new Error('an insert has returned nothing');
  return row;
}

/** Changes what the owner decides. */
export async function updateApiKeySpec(em: Em, id: string, spec: ApiKeySpec): Promise<void> {
  const { name, description, permissions, resources, cidrs, rateLimit, expiresAt } = spec;
  await named(name, () =>
    query(
      em,
      `update identity.api_keys
          set name = $2, description = $3, permissions = $4, resources = $5, cidrs = $6, rate_limit = $7,
              expires_at = $8, updated_at = now(), version = version + 1
        where id = $1`,
      [id, name, description, permissions, resources, cidrs, rateLimit, expiresAt],
    ),
  );
}

/** Gives a key another secret; the one it had works on until then, and one before that no longer. */
export async function replaceSecret(em: Em, id: string, secretHash: Buffer, previousUntil: Date | null): Promise<void> {
  await query(
    em,
    `update identity.api_keys
        set previous_hash = case when $3::timestamptz is null then null else secret_hash end,
            previous_until = $3, secret_hash = $2, updated_at = now(), version = version + 1
      where id = $1`,
    [id, secretHash, previousUntil],
  );
}

/** Ends a key for good, with the secret that a rotation left in force. */
export async function endApiKey(em: Em, id: string): Promise<void> {
  await query(
    em,
    `update identity.api_keys
        set revoked_at = now(), previous_hash = null, previous_until = null, updated_at = now(), version = version + 1
      where id = $1 and revoked_at is null`,
    [id],
  );
}

/** What verifying needs to know of a key and its owner. */
export interface ApiKeyFacts extends ApiKeyRow {
  readonly secretHash: Buffer;
  readonly previousHash: Buffer | null;
  readonly previousUntil: Date | null;
  readonly role: Role;
  readonly isOwnerDisabled: boolean;
}

/** One row by its key: also for ids that do not exist, so that they cost the same. */
export async function readApiKeyFacts(db: Database, id: string): Promise<ApiKeyFacts | undefined> {
  const [row] = await db.read<ApiKeyFacts>(
    `select k.*, u.role, u.disabled_at is not null as "isOwnerDisabled"
       from (select ${COLUMNS}, secret_hash as "secretHash", previous_hash as "previousHash",
                    previous_until as "previousUntil" from identity.api_keys where id = $1) k
       join identity.users u on u.id = k."ownerId"`,
    [id],
  );
  return row;
}

/** The error for an id that does not exist or is not the caller's to see. */
export function apiKeyNotFound(id: string): DomainError {
  return new DomainError('API_KEY_NOT_FOUND', 'There is no such key.', { metadata: { apiKeyId: id } });
}

async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (violatedConstraint(cause) !== 'api_keys_name') throw cause;
    const violations = [{ field: 'apiKey.name', description: `${name} is taken` }];
    throw new DomainError('ALREADY_EXISTS', 'There is a key of this name.', { violations, cause });
  }
}
