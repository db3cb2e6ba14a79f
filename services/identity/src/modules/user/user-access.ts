import type { Principal } from '@morag/auth';
import { DomainError } from '@morag/errors';
import { userNotFound } from './user.store.ts';

/** The id that a caller means: `me` is its own. Another's is only an administrator's to name. */
export function resolveUserId(principal: Principal, userId: string): string {
  const id = userId === 'me' ? principal.userId : userId.toLowerCase();
  if (id !== principal.userId && principal.role !== 'ADMIN') throw userNotFound(id);
  return id;
}

/** For changes that only an administrator may make, and nobody to itself. */
export function requireAdministratorOf(principal: Principal, userId: string): void {
  if (principal.role === 'ADMIN' && principal.userId !== userId) return;
  throw denied('Only another administrator may change this.');
}

/** A viewer changes nothing, not even its own profile; its password is its own all the same. */
export function requireWriter(principal: Principal): void {
  if (principal.role === 'VIEWER') throw denied('A viewer changes nothing.');
}

function denied(text: string): DomainError {
  return new DomainError('PERMISSION_DENIED', text, { metadata: { permission: 'users:write' } });
}
