import type { Principal, Role } from '@morag/auth';
import { appendEvent, requireEtag } from '@morag/orm';
import { insertRevocation } from '../revocation/revocation.store.ts';
import type { RevocationPublisher } from '../revocation/revocation-publisher.ts';
import { endSessions } from '../session/session.store.ts';
import { type RequirePasswordDeps, requirePassword } from './require-password.ts';
import { flushUser, lockUser, readUser, requireAnotherAdministrator, type UserRow } from './user.store.ts';
import { requireAdministratorOf, requireWriter } from './user-access.ts';
import { userDeleted } from './user-deleted.ts';

/** What changing a user needs. */
export interface UpdateUserDeps extends RequirePasswordDeps {
  readonly revocations: RevocationPublisher;
  readonly accessTtlSeconds: number;
  readonly now: () => number;
}

/** The fields that change; undefined ones stay. */
export interface UserChanges {
  readonly name?: string;
  readonly email?: string;
  readonly avatarUrl?: string | null;
  readonly role?: Role;
  readonly disabled?: boolean;
}

/**
 * Changes a user. One's own address is what one signs in with, so that it takes the password in force. A new role takes effect with the next token, a disabling at once; tokens that still say otherwise are
 * refused from the moment this resolves.
 */
export async function updateUser(
  deps: UpdateUserDeps,
  input: {
    readonly principal: Principal;
    readonly userId: string;
    readonly changes: UserChanges;
    readonly etag: string;
    /** Empty where none was given. */
    readonly password: string;
    readonly address: string;
  },
  signal: AbortSignal,
): Promise<UserRow> {
  const { principal, userId, changes, etag } = input;
  if (changes.role !== undefined || changes.disabled !== undefined) {
    requireAdministratorOf(principal, userId);
  }
  requireWriter(principal);
  const { password, address } = input;
  const isOwnAddress = changes.email !== undefined && principal.userId === userId;
  const verified = isOwnAddress
    ? await requirePassword(deps, { userId, password, address, field: 'user.password' }, signal)
    : undefined;
  const revoked = await deps.db.transaction(
    async (em) => {
      const losesPower = changes.disabled === true || (changes.role !== undefined && changes.role !== 'ADMIN');
      if (losesPower) await requireAnotherAdministrator(em, userId);
      const user = await lockUser(em, userId);
      verified?.requireStill(user);
      requireEtag(user, etag);
      const before = { role: user.role, disabled: user.disabledAt != null };
      if (changes.name !== undefined) user.name = changes.name;
      if (changes.email !== undefined) user.email = changes.email;
      if (changes.avatarUrl !== undefined) user.avatarUrl = changes.avatarUrl;
      if (changes.role !== undefined) user.role = changes.role;
      if (changes.disabled !== undefined)
        user.disabledAt = changes.disabled ? (user.disabledAt ?? new Date(deps.now())) : null;
      await flushUser(em, user.email);
      const disabledNow = user.disabledAt != null && !before.disabled;
      if (disabledNow) await endSessions(em, userId);
      if (!disabledNow && user.role === before.role) return false;
      await insertRevocation(em, { userId, sessionId: null, nowMs: deps.now(), ttlSeconds: deps.accessTtlSeconds });
      return true;
    },
    { signal },
  );
  if (revoked) await deps.revocations.publish();
  return readUser(deps.db, userId);
}

/**
 * Deletes a user; its sessions go with it, and its tokens are refused from the moment this resolves. What it owns in the
 * other services goes soon after.
 */
export async function deleteUser(
  deps: UpdateUserDeps,
  input: { readonly userId: string },
  signal: AbortSignal,
): Promise<void> {
  const { userId } = input;
  await deps.db.transaction(
    async (em) => {
      await requireAnotherAdministrator(em, userId);
      const user = await lockUser(em, userId);
      em.remove(user);
      await em.flush();
      await appendEvent(em, userDeleted(userId));
      await insertRevocation(em, { userId, sessionId: null, nowMs: deps.now(), ttlSeconds: deps.accessTtlSeconds });
    },
    { signal },
  );
  await deps.revocations.publish();
}
