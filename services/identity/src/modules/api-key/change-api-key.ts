import { newApiKey, type OwnerScope, type Principal } from '@morag/auth';
import { DomainError } from '@morag/errors';
import { type Database, newId, requireEtag } from '@morag/orm';
import { lockOpenUser } from '../user/user.store.ts';
import {
  type ApiKeyRow,
  type ApiKeySpec,
  endApiKey,
  insertApiKey,
  lockApiKey,
  readApiKey,
  replaceSecret,
  updateApiKeySpec,
} from './api-key.store.ts';
import { requireAllowedSpec, requireSignedIn } from './api-key-rules.ts';

/** What making and changing keys needs. */
export interface ApiKeyDeps {
  readonly db: Database;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A key, and its secret, which is shown this once. */
export interface MadeApiKey {
  readonly row: ApiKeyRow;
  readonly key: string;
}

/** Makes a key of the caller's. */
export async function createApiKey(
  { db, now }: ApiKeyDeps,
  { principal, spec }: { readonly principal: Principal; readonly spec: ApiKeySpec },
  signal: AbortSignal,
): Promise<MadeApiKey> {
  requireSignedIn(principal);
  requireAllowedSpec(principal, spec, now());
  const id = newId();
  const { key, secretHash } = newApiKey(id);
  const ownerId = principal.userId;
  const row = await db.transaction(
    async (em) => {
      // One who was deleted while the call was under way.
      if (!(await lockOpenUser(em, ownerId))) throw new DomainError('UNAUTHENTICATED', 'The account has ended.');
      return insertApiKey(em, { id, ownerId, secretHash, spec });
    },
    { signal },
  );
  return { row, key };
}

/** Changes a key of the caller's that is in force; what was cached of it is forgotten within a second. */
export async function updateApiKey(
  { db, now }: ApiKeyDeps,
  input: { principal: Principal; id: string; changes: Partial<ApiKeySpec>; etag: string },
  signal: AbortSignal,
): Promise<ApiKeyRow> {
  const { principal, id, changes, etag } = input;
  requireSignedIn(principal);
  const scope = { ownerId: principal.userId };
  await db.transaction(
    async (em) => {
      const row = await lockApiKey(em, id, { ...scope, inForce: true });
      requireEtag(row, etag);
      const spec = { ...row, ...changes };
      requireAllowedSpec(principal, spec, now());
      await updateApiKeySpec(em, id, spec);
    },
    { signal },
  );
  return readApiKey(db, id, scope);
}

/** Gives a key of the caller's another secret; the old one works on for `overlapMs`. */
export async function rotateApiKey(
  { db, now }: ApiKeyDeps,
  { principal, id, overlapMs }: { principal: Principal; id: string; overlapMs: number },
  signal: AbortSignal,
): Promise<MadeApiKey> {
  requireSignedIn(principal);
  const scope = { ownerId: principal.userId };
  const { key, secretHash } = newApiKey(id);
  await db.transaction(
    async (em) => {
      await lockApiKey(em, id, { ...scope, inForce: true });
      await replaceSecret(em, id, secretHash, overlapMs > 0 ? new Date(now() + overlapMs) : null);
    },
    { signal },
  );
  return { row: await readApiKey(db, id, scope), key };
}

/** Ends a key in the scope; once more is no error. Every service refuses it within a second. */
export async function revokeApiKey(
  { db }: ApiKeyDeps,
  { id, scope }: { readonly id: string; readonly scope: OwnerScope },
  signal: AbortSignal,
): Promise<ApiKeyRow> {
  await db.transaction(
    async (em) => {
      await lockApiKey(em, id, { ...scope, inForce: false });
      await endApiKey(em, id);
    },
    { signal },
  );
  return readApiKey(db, id, scope);
}
