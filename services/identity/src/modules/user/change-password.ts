import { requireStrongPassword } from '../password/password-rules.ts';
import { endSessionsIn, type SessionDeps } from '../session/login.ts';
import { requirePassword } from './require-password.ts';
import { lockUser } from './user.store.ts';

/** Changes one's own password, for which the old one must be given, and ends the user's other sessions with it. */
export async function changePassword(
  deps: SessionDeps,
  input: { userId: string; sessionId: string | undefined; oldPassword: string; newPassword: string; address: string },
  signal: AbortSignal,
): Promise<void> {
  const { userId, oldPassword: password, newPassword, address } = input;
  const verified = await requirePassword(deps, { userId, password, address, field: 'oldPassword' }, signal);
  const { email, name } = verified.user;
  await requireStrongPassword(newPassword, { field: 'newPassword', email, name });
  const passwordHash = await deps.hasher.hash(newPassword, signal);
  await deps.db.transaction(
    async (em) => {
      const entity = await lockUser(em, userId);
      verified.requireStill(entity);
      entity.passwordHash = passwordHash;
      await em.flush();
      await endSessionsIn(em, deps, { userId, except: input.sessionId });
    },
    { signal },
  );
  await deps.revocations.publish();
}
