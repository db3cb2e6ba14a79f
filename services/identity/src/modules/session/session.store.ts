import { type Database, type Em, query } from '@morag/orm';
import { User } from '../user/user.entity.ts';
import { lockOpenUser, type UserRow } from '../user/user.store.ts';
import { Session } from './session.entity.ts';

/** A session that a user may go on with. */
export interface OpenSession {
  readonly sessionId: string;
  readonly generation: number;
  readonly user: UserRow;
}

/** Adds a session, if the user may still sign in, and with the password that was verified. */
export async function insertSession(
  em: Em,
  input: { userId: string; verifiedHash: string; device: string; address: string; expiresAt: Date },
): Promise<OpenSession | undefined> {
  const { userId, verifiedHash, device, address, expiresAt } = input;
  const user = await lockOpenUser(em, userId);
  if (user?.passwordHash !== verifiedHash) return undefined;
  const session = em.create(Session, { user: em.getReference(User, userId), device, address, expiresAt });
  await em.flush();
  return { sessionId: session.id, generation: 1, user };
}

/** However busy a session is, its user signs in again after this time: NIST SP 800-63B asks for it at AAL1. */
const LIFETIME_MAX = `interval '30 days'`;

/** What a refresh finds. */
export type Advance =
  | ({ readonly kind: 'advanced' } & OpenSession)
  /** The token was used before. */
  | { readonly kind: 'reused'; readonly userId: string }
  /** The session has ended, or its user is gone or disabled. */
  | { readonly kind: 'ended' };

/** Moves a session to its next generation, if this one is in force; of several at once exactly one succeeds. */
export async function advanceSession(
  em: Em,
  input: { sessionId: string; generation: number; address: string; expiresAt: Date },
): Promise<Advance> {
  const { sessionId, generation, address, expiresAt } = input;
  const [known] = await query<{ userId: string }>(
    em,
    `select user_id as "userId" from identity.sessions where id = $1`,
    [sessionId],
  );
  const user = known && (await lockOpenUser(em, known.userId));
  const [row] = await query<{ generation: number }>(
    em,
    `select generation from identity.sessions
      where id = $1 and revoked_at is null and expires_at > now() for update`,
    [sessionId],
  );
  if (!user || !row) return { kind: 'ended' };
  if (row.generation !== generation) return { kind: 'reused', userId: user.id };
  await query(
    em,
    `update identity.sessions
        set generation = generation + 1, last_used_at = now(), updated_at = now(), version = version + 1,
            address = $2, expires_at = least($3, created_at + ${LIFETIME_MAX})
      where id = $1`,
    [sessionId, address, expiresAt],
  );
  return { kind: 'advanced', sessionId, generation: generation + 1, user };
}

/**
 * Ends sessions of a user: one, or all but one, or all. Returns the ids of those that were open. The user is locked first,
 * as refreshes do it, or each session that is being refreshed would have to be waited for.
 */
export async function endSessions(
  em: Em,
  userId: string,
  which: { readonly only?: string | undefined; readonly except?: string | undefined } = {},
): Promise<string[]> {
  await query(em, `select from identity.users where id = $1 for no key update`, [userId]);
  const rows = await query<{ id: string }>(
    em,
    `update identity.sessions set revoked_at = now(), updated_at = now(), version = version + 1
      where user_id = $1 and revoked_at is null and expires_at > now()
        and ($2::uuid is null or id = $2) and ($3::uuid is null or id <> $3)
      returning id`,
    [userId, which.only ?? null, which.except ?? null],
  );
  return rows.map(({ id }) => id);
}

/** Forgets sessions that ended a while ago. */
export async function deleteEndedSessions(db: Database): Promise<void> {
  await db.read(`delete from identity.sessions where coalesce(revoked_at, expires_at) < now() - interval '7 days'`);
}
