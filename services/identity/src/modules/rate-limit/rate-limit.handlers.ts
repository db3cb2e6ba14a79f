import type { ServiceImpl } from '@connectrpc/connect';
import type { RateLimitService } from '@morag/gen/morag/identity/v1/rate_limit_service_pb.ts';
import type { Database } from '@morag/orm';
import { drawTokens } from './rate-bucket.store.ts';

/** RateLimitService over its store. */
export function rateLimitHandlers({ db }: { readonly db: Database }): ServiceImpl<typeof RateLimitService> {
  return {
    async drawTokens({ draws }) {
      return { balances: [...(await drawTokens(db, draws))] };
    },
  };
}
