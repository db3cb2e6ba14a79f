import type { Logger } from '@morag/telemetry';
import { type Bucket, newBucket, slackOf, spend, type Taken, takenFrom, tokensLeft } from './bucket.ts';
import { Drawing, type DrawTokens } from './drawing.ts';

/** This instance's share in buckets that many instances draw from. */
export interface TokenBuckets {
  /** Takes a token: at once, but for limits under 100 a minute, which ask each time. */
  take(subject: string, limit: number): Taken | Promise<Taken>;
  /** Puts a token back whose call was not let in after all. */
  putBack(subject: string): void;
  /** Draws no more. */
  close(): void;
}

/** See createTokenBuckets. */
export interface TokenBucketsOptions {
  readonly draw: DrawTokens;
  readonly logger: Logger;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  /** Subjects that are remembered; beyond it those that were silent for longest are forgotten. */
  readonly subjectsMax?: number;
}

const SUBJECTS_MAX = 50_000;

/**
 * Token buckets that instances share. An instance lets calls in on what it knows of a bucket and draws for them
 * afterwards, for all subjects together: for at most a hundredth of a limit, so that this is what each instance can let
 * in too many. What it knows is never less than what is there, so it refuses without asking. Where the shared buckets
 * are away, each instance counts for itself.
 */
export function createTokenBuckets(options: TokenBucketsOptions): TokenBuckets {
  const { draw, logger, now = () => performance.now(), subjectsMax = SUBJECTS_MAX } = options;
  const buckets = new Map<string, Bucket>();
  const drawing = new Drawing({ draw, logger, now });

  const known = (subject: string): Bucket | undefined => buckets.get(subject) ?? drawing.recall(subject);
  const find = (subject: string, limit: number): Bucket => {
    const found = known(subject) ?? newBucket(subject, limit, now());
    found.limit = limit;
    // The map keeps its order: what is used goes to the end, what is forgotten is taken from the start.
    buckets.delete(subject);
    const oldest = buckets.size >= subjectsMax ? buckets.keys().next().value : undefined;
    if (oldest !== undefined) buckets.delete(oldest);
    buckets.set(subject, found);
    return found;
  };

  return {
    take(subject, limit) {
      const bucket = find(subject, limit);
      if (tokensLeft(bucket, now()) < 1) return takenFrom(bucket, false, now());
      if (bucket.owed < slackOf(limit) || drawing.isAway()) {
        spend(bucket, now());
        drawing.soon(bucket);
        return takenFrom(bucket, true, now());
      }
      return drawing.wait(bucket).then((isGranted) => takenFrom(bucket, isGranted, now()));
    },
    putBack(subject) {
      const bucket = known(subject);
      if (!bucket) return;
      bucket.tokens += 1;
      bucket.owed -= 1;
    },
    close: () => drawing.close(),
  };
}
