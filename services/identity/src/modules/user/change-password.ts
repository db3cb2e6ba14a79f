import { DomainError } from '@morag/errors';
import { requireStrongPassword } from '../password/password-rules.ts';
import { endUserSessions, type SessionDeps } from '../session/login.ts';
import { lockUser, readLogin, readUser } from './user.store.ts';

/** Changes one's own password, for which the old one must be given (and guessed at no faster than at log-in), and ends the user's other sessions. */
export async function changePassword(
  deps: SessionDeps,
  input: { userId: string; sessionId: string | undefined; oldPassword: string; newPassword: string; address: string },
  signal: AbortSignal,
): Promise<void> {
  const user = await readUser(deps.db, input.userId);
  const attempt = { email: user.email, address: input.address };
  await deps.throttle.enter(attempt);
  const stored = await readLogin(deps.db, user.email);
  if (!(await deps.hasher.verify(stored?.passwordHash, input.oldPassword, signal))) {
    const violations = [{ field: 'oldPassword', description: 'is wrong' }];
    throw new DomainError('WRONG_CREDENTIALS', 'The old password is wrong.', { violations });
  }
  await deps.throttle.succeeded(attempt);
  await requireStrongPassword(input.newPassword, { field: 'newPassword', email: user.email, name: user.name });
  const passwordHash = await deps.hasher.hash(input.newPassword, signal);
  await deps.db.transaction(
    async (em) => {
      const entity = await lockUser(em, input.userId);
      entity.passwordHash = passwordHash;
      await em.flush();
    },
    { signal },
  );
  await endUserSessions(deps, { userId: input.userId, except: input.sessionId }, signal);
}
