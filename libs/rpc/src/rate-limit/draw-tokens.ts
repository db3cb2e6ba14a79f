import { createClient, type Transport } from '@connectrpc/connect';
import { type ServiceTokens, SYSTEM_USER_ID } from '@morag/auth';
import { RateLimitService } from '@morag/gen/morag/identity/v1/rate_limit_service_pb.ts';
import type { DrawTokens } from './drawing.ts';
import { bucketName } from './rate-limits.ts';

/** Draws from the buckets that identity keeps. */
export function drawFromIdentity(identity: Transport, tokens: ServiceTokens): DrawTokens {
  const client = createClient(RateLimitService, identity);
  return async (draws, signal) => {
    const token = await tokens.issue({ audience: 'identity', ownerId: SYSTEM_USER_ID, permissions: [] });
    const headers = { authorization: `Bearer ${token}` };
    const named = draws.map(({ subject, ...draw }) => ({ bucket: bucketName(subject), ...draw }));
    return (await client.drawTokens({ draws: named }, { signal, headers })).balances;
  };
}
