import type { Interceptor } from '@connectrpc/connect';
import { type Principal, requirePrincipal } from '@morag/auth';
import { DomainError } from '@morag/errors';
import type { AccessRule, AccessRules } from '../server/access-rules.ts';

/** Refuses a caller who lacks the permission that the method's proto names. */
export function permission(rules: AccessRules): Interceptor {
  return (next) => (req) => {
    const rule = rules(req.method);
    if (rule.case !== 'public') demand(rule, requirePrincipal({ values: req.contextValues }));
    return next(req);
  };
}

function demand(rule: AccessRule, principal: Principal): void {
  switch (rule.case) {
    case 'authenticated':
      if (principal.kind !== 'api_key' || rule.apiKeys) return;
      throw new DomainError('PERMISSION_DENIED', 'This call is for people who are signed in, not for API keys.', {
        metadata: { permission: 'session' },
      });
    case 'internal':
      if (principal.kind === 'service') return;
      throw new DomainError('PERMISSION_DENIED', 'This call is for the services themselves.', {
        metadata: { permission: 'internal' },
      });
    case 'permission':
      if (principal.permissions.has(rule.value)) return;
      throw new DomainError('PERMISSION_DENIED', `The permission ${rule.value} is missing.`, {
        metadata: { permission: rule.value },
      });
    default:
      throw new Error(`no rule for access ${String(rule.case)}`);
  }
}
