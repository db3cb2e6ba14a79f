import type { Database } from '@morag/orm';
import { bucketName, createRateLimits, type RateLimitSettings, type RateLimits } from '@morag/rpc';
import type { Logger } from '@morag/telemetry';
import { drawTokens } from './rate-bucket.store.ts';

/** The limits of identity's own callers, whose buckets need no call to another service. */
export function createLocalRateLimits(
  db: Database,
  { settings, logger }: { readonly settings: RateLimitSettings; readonly logger: Logger },
): RateLimits {
  return createRateLimits({
    settings,
    logger,
    draw: (draws) =>
      drawTokens(
        db,
        draws.map(({ subject, ...draw }) => ({ bucket: bucketName(subject), ...draw })),
      ),
  });
}
