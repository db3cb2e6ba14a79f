import { hash } from 'node:crypto';
import { networkOf, type Principal } from '@morag/auth';
import type { Logger } from '@morag/telemetry';
import type { Taken } from './bucket.ts';
import type { DrawTokens } from './drawing.ts';
import { createTokenBuckets } from './token-buckets.ts';

/** Calls a minute; 0 for no limit. */
export interface RateLimitSettings {
  /** Of one user, by sessions and keys together. */
  readonly userPerMinute: number;
  /** Of one key that has no limit of its own. */
  readonly keyPerMinute: number;
  /** Of one address, without a good credential. */
  readonly addressPerMinute: number;
}

/** A limit that a call was counted against, and how it stands. */
export interface Counted extends Taken {
  /** `user`, `key` or `address`. */
  readonly policy: string;
}

/** Counts calls against the limits of who makes them. */
export interface RateLimits {
  /** For a call with a good credential: the limit with the least left; undefined when none applies. */
  countCaller(principal: Principal): Promise<Counted | undefined>;
  /** For a call without one. */
  countAddress(address: string): Promise<Counted | undefined>;
  close(): void;
}

/** See createRateLimits. */
export interface RateLimitsOptions {
  readonly settings: RateLimitSettings;
  readonly draw: DrawTokens;
  readonly logger: Logger;
  readonly now?: () => number;
}

/**
 * A call of a key counts against the key and against its owner, so that more keys are not more calls. Services are not
 * counted: what they do follows from a call that was.
 */
export function createRateLimits({ settings, ...options }: RateLimitsOptions): RateLimits {
  const buckets = createTokenBuckets(options);
  const count = async (policy: string, whose: string, limit: number): Promise<Counted | undefined> => {
    if (limit === 0) return undefined;
    return { policy, ...(await buckets.take(`${policy} ${whose}`, limit)) };
  };
  return {
    async countCaller({ kind, userId, keyId, rateLimit }) {
      if (kind === 'service') return undefined;
      const key = keyId && (await count('key', keyId, rateLimit ?? settings.keyPerMinute));
      if (key && !key.isGranted) return key;
      const user = await count('user', userId, settings.userPerMinute);
      if (!key || !user) return key || user;
      if (user.isGranted) return key.remaining < user.remaining ? key : user;
      buckets.putBack(`key ${keyId}`);
      return user;
    },
    countAddress: (address) => count('address', networkOf(address), settings.addressPerMinute),
    close: () => buckets.close(),
  };
}

/** What the shared table calls a bucket: it tells nobody who called. */
export function bucketName(subject: string): string {
  return hash('sha256', subject, 'base64url');
}
