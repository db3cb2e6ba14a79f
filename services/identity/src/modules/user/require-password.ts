import { DomainError } from '@morag/errors';
import type { Database } from '@morag/orm';
import type { PasswordHasher } from '../password/password-hasher.ts';
import type { LoginThrottle } from '../throttle/login-throttle.ts';
import type { User } from './user.entity.ts';
import { readLogin, readUser, type UserRow } from './user.store.ts';

/** What asking for a password once more needs. */
export interface RequirePasswordDeps {
  readonly db: Database;
  readonly hasher: PasswordHasher;
  readonly throttle: LoginThrottle;
}

/** The password in force, as a caller who is signed in gives it once more. */
export interface GivenPassword {
  readonly userId: string;
  readonly password: string;
  readonly address: string;
  /** Where it stands in the request, for the error. */
  readonly field: string;
}

/** A password that was in force when it was looked at. */
export interface VerifiedPassword {
  readonly user: UserRow;
  /**
   * Throws WRONG_CREDENTIALS unless it still is; told of the user as the transaction has locked it, since checking a
   * password takes longer than a row may be locked.
   */
  requireStill(locked: User): void;
}

/** Who has stolen a session does not take the account with it; and guesses no faster than at log-in. */
export async function requirePassword(
  deps: RequirePasswordDeps,
  { userId, password, address, field }: GivenPassword,
  signal: AbortSignal,
): Promise<VerifiedPassword> {
  const user = await readUser(deps.db, userId);
  const attempt = { email: user.email, address };
  await deps.throttle.enter(attempt);
  const verifiedHash = (await readLogin(deps.db, user.email))?.passwordHash;
  if (!(await deps.hasher.verify(verifiedHash, password, signal))) throw wrongPassword(field);
  await deps.throttle.succeeded(attempt);
  return {
    user,
    requireStill({ passwordHash }) {
      if (passwordHash !== verifiedHash) throw wrongPassword(field);
    },
  };
}

function wrongPassword(field: string): DomainError {
  const violations = [{ field, description: 'is wrong' }];
  return new DomainError('WRONG_CREDENTIALS', 'The password in force is needed, and this is not it.', { violations });
}
