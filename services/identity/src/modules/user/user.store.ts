import { LockMode } from '@mikro-orm/postgresql';
import type { Role } from '@morag/auth';
import { DomainError } from '@morag/errors';
import type { Database, Em } from '@morag/orm';
import { query, violatedConstraint } from '@morag/orm';
import { User, UserSettings } from './user.entity.ts';

/** A user as reads give it: a plain row, without the password. */
export interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly avatarUrl: string | null;
  readonly role: Role;
  readonly disabledAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly version: number;
}

/** The columns of UserRow. */
export const USER_COLUMNS = `id, name, email, avatar_url as "avatarUrl", role, disabled_at as "disabledAt",
  created_at as "createdAt", updated_at as "updatedAt", version`;

/** The user of this id, or USER_NOT_FOUND. */
export async function readUser(db: Database, id: string): Promise<UserRow> {
  const [row] = await db.read<UserRow>(`select ${USER_COLUMNS} from identity.users where id = $1`, [id]);
  if (!row) throw userNotFound(id);
  return row;
}

/** A user with what proves who it is. */
export interface LoginRow extends UserRow {
  readonly passwordHash: string;
}

/** What a log-in needs to know of the user with this address, compared without regard to case. */
export async function readLogin(db: Database, email: string): Promise<LoginRow | undefined> {
  const [row] = await db.read<LoginRow>(
    `select ${USER_COLUMNS}, password_hash as "passwordHash" from identity.users where lower(email) = lower($1)`,
    [email],
  );
  return row;
}

/**
 * The user as it is now, if it is still there and may sign in: what is given to it is decided by this. Whoever deletes,
 * disables or changes it waits until the transaction ends, or this for them, in the order in which they came: locks that
 * are shared would let a user who calls without a pause keep its own deletion waiting. Taken before any session's.
 */
export async function lockOpenUser(em: Em, id: string): Promise<LoginRow | undefined> {
  const [row] = await query<LoginRow>(
    em,
    `select ${USER_COLUMNS}, password_hash as "passwordHash" from identity.users
      where id = $1 and disabled_at is null for no key update`,
    [id],
  );
  return row;
}

/** The entity, locked until the transaction ends. */
export async function lockUser(em: Em, id: string): Promise<User> {
  const user = await em.findOne(User, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!user) throw userNotFound(id);
  return user;
}

/** Adds a user and its settings to the unit of work, and writes them. */
export async function insertUser(
  em: Em,
  values: { name: string; email: string; avatarUrl?: string | null; role: Role; passwordHash: string },
): Promise<User> {
  const user = em.create(User, values);
  em.create(UserSettings, { user });
  await flushUser(em, values.email);
  return user;
}

/** Writes what has changed; an address that is taken is EMAIL_EXISTS. */
export async function flushUser(em: Em, email: string): Promise<void> {
  try {
    await em.flush();
  } catch (cause) {
    if (violatedConstraint(cause) !== 'users_email') throw cause;
    throw new DomainError('EMAIL_EXISTS', 'This e-mail address is taken.', {
      violations: [{ field: 'email', description: `${email} is taken` }],
      cause,
    });
  }
}

/**
 * Refuses to take the last administrator who can sign in away; anybody else may go. The administrators are locked before
 * any user, in every change alike, so that two changes at once wait for each other and never crosswise.
 */
export async function requireAnotherAdministrator(em: Em, userId: string): Promise<void> {
  const administrators = await query<{ id: string }>(
    em,
    `select id from identity.users where role = 'ADMIN' and disabled_at is null order by id for update`,
  );
  if (administrators.length !== 1 || administrators[0]?.id !== userId) return;
  throw new DomainError('LAST_ADMINISTRATOR', 'This is the last administrator; make another one first.');
}

/** The error for an id that does not exist or is not the caller's to see. */
export function userNotFound(id: string): DomainError {
  return new DomainError('USER_NOT_FOUND', 'There is no such user.', { metadata: { user: id } });
}
