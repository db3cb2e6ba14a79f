import type { Role } from '@morag/auth';
import { type Database, type Em, query } from '@morag/orm';
import { User } from '../user/user.entity.ts';
import { Session } from './session.entity.ts';

/** Adds a session, if the user is still there and not disabled; the lock makes a disabling at the same time wait. */
export async function insertSession(
  em: Em,
  input: { userId: string; device: string; address: string; expiresAt: Date },
): Promise<Session | undefined> {
  const [open] = await query(em, `select from identity.users where id = $1 and disabled_at is null for share`, [
    input.userId,
  ]);
  if (!open) return undefined;
  const { userId, device, address, expiresAt } = input;
  const session = em.create(Session, { user: em.getReference(User, userId), device, address, expiresAt });
  await em.flush();
  return session;
}

/** However busy a session is, its user signs in again after this time: NIST SP 800-63B asks for it at AAL1. */
const LIFETIME_MAX = `interval '30 days'`;

/** What a refresh finds. */
export type Advance =
  | { readonly kind: 'advanced'; readonly userId: string; readonly role: Role; readonly generation: number }
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
  const [row] = await query<{ userId: string; role: Role; generation: number; open: boolean }>(
    em,
    `select s.user_id as "userId", u.role, s.generation,
            s.revoked_at is null and s.expires_at > now() and u.disabled_at is null as open
       from identity.sessions s join identity.users u on u.id = s.user_id
      where s.id = $1 for update of s`,
    [sessionId],
  );
  if (!row?.open) return { kind: 'ended' };
  if (row.generation !== generation) return { kind: 'reused', userId: row.userId };
  await query(
    em,
    `update identity.sessions
        set generation = generation + 1, last_used_at = now(), updated_at = now(), version = version + 1,
            address = $2, expires_at = least($3, created_at + ${LIFETIME_MAX})
      where id = $1`,
    [sessionId, address, expiresAt],
  );
  return { kind: 'advanced', userId: row.userId, role: row.role, generation: generation + 1 };
}

/** Ends sessions of a user: one, or all but one, or all. Returns the ids of those that were open. */
export async function endSessions(
  em: Em,
  userId: string,
  which: { readonly only?: string | undefined; readonly except?: string | undefined } = {},
): Promise<string[]> {
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
