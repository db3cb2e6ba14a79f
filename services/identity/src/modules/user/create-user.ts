import type { Role } from '@morag/auth';
import { DomainError } from '@morag/errors';
import type { Database } from '@morag/orm';
import type { PasswordHasher } from '../password/password-hasher.ts';
import { requireStrongPassword } from '../password/password-rules.ts';
import { insertUser, readUser, type UserRow } from './user.store.ts';

/** What making a user needs. */
export interface CreateUserDeps {
  readonly db: Database;
  readonly hasher: PasswordHasher;
  readonly registrationEnabled: boolean;
  readonly defaultRole: Role;
}

/** See createUser. */
export interface CreateUserInput {
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly avatarUrl?: string | null;
  /** Undefined: the installation's default. */
  readonly role?: Role | undefined;
  /** Where the password stands in the request, for the error. */
  readonly passwordField: string;
}

/** Makes a user with its settings, in one transaction. */
export async function createUser(deps: CreateUserDeps, input: CreateUserInput, signal: AbortSignal): Promise<UserRow> {
  const { name, email, password, avatarUrl = null, role = deps.defaultRole, passwordField } = input;
  if (password === '') {
    const violations = [{ field: passwordField, description: 'is required' }];
    throw new DomainError('INVALID_ARGUMENT', 'A password is required.', { violations });
  }
  await requireStrongPassword(password, { field: passwordField, email, name });
  const passwordHash = await deps.hasher.hash(password, signal);
  const user = await deps.db.transaction((em) => insertUser(em, { name, email, avatarUrl, role, passwordHash }), {
    signal,
  });
  return readUser(deps.db, user.id);
}

/** The same for somebody who comes by itself, where that is switched on. */
export async function register(
  deps: CreateUserDeps,
  input: Omit<CreateUserInput, 'role' | 'passwordField'>,
  signal: AbortSignal,
): Promise<UserRow> {
  if (!deps.registrationEnabled) {
    throw new DomainError(
      'REGISTRATION_DISABLED',
      'Registration is switched off; ask an administrator for an account.',
    );
  }
  return createUser(deps, { ...input, passwordField: 'password' }, signal);
}

/**
 * Makes the first administrator of a new installation; does nothing once there is one. Two starts at once: one makes it,
 * the other finds the address taken.
 */
export async function ensureAdministrator(
  deps: CreateUserDeps,
  { email, password }: { readonly email: string; readonly password: string },
  signal: AbortSignal,
): Promise<void> {
  const [found] = await deps.db.read<object>(`select from identity.users where role = 'ADMIN' limit 1`);
  if (found) return;
  const name = 'Administrator';
  await requireStrongPassword(password, { field: 'password', email, name });
  const passwordHash = await deps.hasher.hash(password, signal);
  const values = { name, email, role: 'ADMIN', passwordHash } as const;
  await deps.db
    .transaction((em) => insertUser(em, values), { signal })
    .catch((error: unknown) => {
      if (!(error instanceof DomainError) || error.reason !== 'EMAIL_EXISTS') throw error;
    });
}
