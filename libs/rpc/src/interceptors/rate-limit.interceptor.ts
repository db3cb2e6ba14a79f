import { ConnectError, type Interceptor } from '@connectrpc/connect';
import { principalKey } from '@morag/auth';
import { DomainError, reasonOf, toConnectError } from '@morag/errors';
import { peerAddressKey } from '../call-context.ts';
import { isInfrastructure } from '../method-name.ts';
import { writeRateLimit } from '../rate-limit/rate-limit-headers.ts';
import type { Counted, RateLimits } from '../rate-limit/rate-limits.ts';
import type { AccessRules } from '../server/access-rules.ts';

/**
 * Bounds what an address can do without a good credential: calls that need none, and guesses. It stands around
 * authentication and leaves good credentials alone, so that nobody is kept out by others at the same address.
 */
export function addressLimit(limits: RateLimits, rules: AccessRules): Interceptor {
  return (next) => async (req) => {
    if (isInfrastructure(req.method)) return next(req);
    const count = () => limits.countAddress(req.contextValues.get(peerAddressKey));
    if (rules(req.method).case === 'public') return answered(await count(), () => next(req));
    try {
      return await next(req);
    } catch (error) {
      const isGuess = req.contextValues.get(principalKey) === undefined && reasonOf(error) === 'UNAUTHENTICATED';
      if (!isGuess) throw error;
      return answered(await count(), () => Promise.reject(error));
    }
  };
}

/** Counts a call against the limits of the key and the user who makes it. */
export function callerLimit(limits: RateLimits): Interceptor {
  return (next) => async (req) => {
    const principal = req.contextValues.get(principalKey);
    if (!principal) return next(req);
    return answered(await limits.countCaller(principal), () => next(req));
  };
}

/** The answer, or the refusal, with what is left of the limit. */
async function answered<Response extends { readonly header: Headers }>(
  counted: Counted | undefined,
  call: () => Promise<Response>,
): Promise<Response> {
  if (!counted) return call();
  try {
    if (!counted.isGranted) throw rateLimited(counted);
    const res = await call();
    writeRateLimit(res.header, counted);
    return res;
  } catch (error) {
    // Other errors are still to be judged by what became of the call's signal.
    if (!(error instanceof DomainError || error instanceof ConnectError)) throw error;
    const known = toConnectError(error);
    writeRateLimit(known.metadata, counted);
    throw known;
  }
}

function rateLimited({ policy, limit, retryAfterMs }: Counted): DomainError {
  return new DomainError('RATE_LIMITED', `Too many calls; this ${policy} has ${limit} a minute.`, {
    metadata: { policy, limit: String(limit) },
    retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)),
  });
}
