import { RATE_LIMIT_HEADERS } from '@morag/rpc';

/** What a service has said of the caller's rate limit, for the answer. */
export function rateLimitOf(header: Headers): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of RATE_LIMIT_HEADERS) {
    const value = header.get(name);
    if (value !== null) found[name] = value;
  }
  return found;
}
