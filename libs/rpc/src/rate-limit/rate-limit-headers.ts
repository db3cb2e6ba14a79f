import type { Counted } from './rate-limits.ts';

/** What every answer to a call that was counted says of its limit; the gateway hands them on. */
export const RATE_LIMIT_HEADERS = [
  'ratelimit-policy',
  'ratelimit',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
] as const;

/**
 * Writes them: the two fields of draft-ietf-httpapi-ratelimit-headers-11, and the three that drafts up to the sixth had,
 * because these are what most clients read.
 */
export function writeRateLimit(header: Headers, { policy, limit, remaining, resetMs }: Counted): void {
  const reset = Math.ceil(resetMs / 1_000);
  header.set('ratelimit-policy', `"${policy}";q=${limit};w=60`);
  header.set('ratelimit', `"${policy}";r=${remaining};t=${reset}`);
  header.set('ratelimit-limit', String(limit));
  header.set('ratelimit-remaining', String(remaining));
  header.set('ratelimit-reset', String(reset));
}
