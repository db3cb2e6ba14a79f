import type { Permission, ServiceTokens } from '@morag/auth';
import { ACTING_SECONDS, type ActFor } from './servers.port.ts';

/** All that jobs and the reconciler do at the servers service, whoever's documents they are. */
const PERMISSIONS: readonly Permission[] = ['databases:read', 'records:read', 'records:write'];

/** Acts for owners by service tokens. */
export function createActFor(tokens: ServiceTokens): ActFor {
  return async (ownerId) => ({
    credential: await tokens.issue({
      audience: 'servers',
      ownerId,
      permissions: PERMISSIONS,
      ttlSeconds: ACTING_SECONDS,
    }),
  });
}
