import { setTimeout as sleep } from 'node:timers/promises';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Client } from '@connectrpc/connect';
import type {
  AuthService,
  Revocation,
  WatchRevocationsResponse,
} from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { type RevocationFeed, RevocationList, type Revoked } from './revocation-list.ts';
import { type ServiceTokens, SYSTEM_USER_ID } from './service-tokens.ts';

/** A feed that follows the identity service from `start` to `stop`. */
export interface RemoteRevocationFeed extends RevocationFeed {
  start(): void;
  /** Resolves when the feed knows everything in force, or after `timeoutMs` if the identity service is not there. */
  whenComplete(timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** See createRevocationFeed. */
export interface RevocationFeedOptions {
  readonly client: Pick<Client<typeof AuthService>, 'watchRevocations'>;
  readonly tokens: ServiceTokens;
  /** After this long without a word the feed counts as stale; the identity service speaks every two seconds. */
  readonly silenceMsMax?: number;
  readonly now?: () => number;
  /** Told why a stream broke; it is opened again in any case. */
  readonly onError?: (error: unknown) => void;
}

const BACKOFF_MS = [50, 100, 250, 500, 1_000, 2_000] as const;

/**
 * Follows `AuthService.WatchRevocations`. Each new stream starts with everything in force, and additions are idempotent,
 * so nothing is missed whatever happened in between.
 */
export function createRevocationFeed(options: RevocationFeedOptions): RemoteRevocationFeed {
  const { client, tokens, silenceMsMax = 10_000, now = Date.now, onError = () => {} } = options;
  const list = new RevocationList();
  const stopping = new AbortController();
  let heardAt = Number.NEGATIVE_INFINITY;
  let complete = false;
  let following: Promise<void> | undefined;
  const firstSnapshot = Promise.withResolvers<void>();

  const take = ({ revocations, snapshotComplete }: WatchRevocationsResponse): void => {
    for (const revocation of revocations) list.add(toRevoked(revocation));
    list.sweep(now());
    complete ||= snapshotComplete;
    if (!complete) return;
    heardAt = now();
    firstSnapshot.resolve();
  };

  /** Reads one stream until it ends or falls silent; answers whether it said anything. */
  const followOnce = async (): Promise<boolean> => {
    const broken = new AbortController();
    const signal = AbortSignal.any([stopping.signal, broken.signal]);
    const watchdog = setTimeout(() => broken.abort(new Error('the stream fell silent')), silenceMsMax).unref();
    let spoke = false;
    complete = false;
    try {
      const token = await tokens.issue({ audience: 'identity', ownerId: SYSTEM_USER_ID, permissions: [] });
      const headers = { authorization: `Bearer ${token}` };
      for await (const message of client.watchRevocations({ afterSequence: 0n }, { signal, headers, timeoutMs: 0 })) {
        watchdog.refresh();
        spoke = true;
        take(message);
      }
    } finally {
      clearTimeout(watchdog);
    }
    return spoke;
  };

  const follow = async (): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      try {
        failures = (await followOnce()) ? 0 : failures + 1;
      } catch (error) {
        failures += 1;
        if (!stopping.signal.aborted) onError(error);
      }
      const pause = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)];
      await sleep(pause, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  };

  return {
    isRevoked: (token) => list.has(token),
    isFresh: () => now() - heardAt <= silenceMsMax,
    start() {
      following ??= follow();
    },
    whenComplete: (timeoutMs) => settledOrLate(firstSnapshot.promise, timeoutMs),
    async stop() {
      stopping.abort(new Error('the service stops'));
      await following;
    },
  };
}

/** Waits for the promise, but no longer than this; the timer does not outlive it. */
async function settledOrLate(promise: Promise<void>, timeoutMs: number): Promise<void> {
  const bound = new AbortController();
  const waited = sleep(timeoutMs, undefined, { signal: bound.signal, ref: false }).catch(() => {});
  await Promise.race([promise, waited]);
  bound.abort();
}

function toRevoked({ userId, sessionId, notAfterTime, expireTime }: Revocation): Revoked {
  return {
    userId,
    sessionId,
    // Without times the revocation is for good: it must never be weaker than meant.
    notAfterMs: notAfterTime ? timestampMs(notAfterTime) : Number.MAX_SAFE_INTEGER,
    expireMs: expireTime ? timestampMs(expireTime) : Number.MAX_SAFE_INTEGER,
  };
}
