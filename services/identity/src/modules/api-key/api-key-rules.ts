import { isOnResources, isPermission, type Principal } from '@morag/auth';
import { DomainError } from '@morag/errors';
import type { ApiKeySpec } from './api-key.store.ts';

/** A key that made keys would outlive its own revocation: they are made by people who are signed in. */
export function requireSignedIn({ kind }: Principal): void {
  if (kind === 'user') return;
  throw new DomainError('PERMISSION_DENIED', 'Keys are made and changed by people who are signed in.', {
    metadata: { permission: 'session' },
  });
}

/** Refuses a key that asks for what there is not, or for more than its maker can. */
export function requireAllowedSpec(principal: Principal, spec: ApiKeySpec, nowMs: number): void {
  const { permissions, resources, expiresAt } = spec;
  for (const permission of permissions) {
    if (!isPermission(permission)) throw invalid('permissions', `names no permission: ${permission}`);
    if (!principal.permissions.has(permission)) {
      throw new DomainError('PERMISSION_DENIED', `The permission ${permission} is not yours to give.`, {
        metadata: { permission },
      });
    }
    if (resources.length > 0 && !isOnResources(permission)) {
      throw invalid('permissions', `${permission} is not about servers or databases, which this key is limited to`);
    }
  }
  if (expiresAt && expiresAt.getTime() <= nowMs) throw invalid('expireTime', 'is in the past');
}

function invalid(field: string, description: string): DomainError {
  const violations = [{ field: `apiKey.${field}`, description }];
  return new DomainError('INVALID_ARGUMENT', `${field} ${description}`, { violations });
}
