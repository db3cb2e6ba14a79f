/** Whether a call may go on, and what is left of its limit. */
export interface Taken {
  readonly isGranted: boolean;
  /** Calls a minute. */
  readonly limit: number;
  /** Calls that could follow at once. */
  readonly remaining: number;
  /** Until the bucket is full again. */
  readonly resetMs: number;
  /** Until there is a token; 0 while there is one. */
  readonly retryAfterMs: number;
}

/** What an instance knows of a bucket that it shares with others. */
export interface Bucket {
  readonly subject: string;
  /** Tokens that it holds when it is full, and gets in a minute. */
  limit: number;
  /** At `asOf`: what the last draw left, without what was taken here since. Others can only have taken more. */
  tokens: number;
  asOf: number;
  /** Taken here and not yet drawn; below zero for tokens that were put back. */
  owed: number;
  /** Calls that are let in only when a token was drawn for them. */
  readonly waiting: ((isGranted: boolean) => void)[];
}

/** A full one, which is what a bucket is that nobody has drawn from. */
export function newBucket(subject: string, limit: number, nowMs: number): Bucket {
  return { subject, limit, tokens: limit, asOf: nowMs, owed: 0, waiting: [] };
}

/** Tokens that the bucket can hold at most by now: never less than what is really there. */
export function tokensLeft({ tokens, asOf, limit }: Bucket, nowMs: number): number {
  return Math.min(limit, tokens + ((nowMs - asOf) * limit) / 60_000);
}

/** Takes a token that is still to be drawn. */
export function spend(bucket: Bucket, nowMs: number): void {
  bucket.tokens = tokensLeft(bucket, nowMs) - 1;
  bucket.asOf = nowMs;
  bucket.owed += 1;
}

/** What a caller is told. */
export function takenFrom(bucket: Bucket, isGranted: boolean, nowMs: number): Taken {
  const tokens = tokensLeft(bucket, nowMs);
  const msAToken = 60_000 / bucket.limit;
  return {
    isGranted,
    limit: bucket.limit,
    remaining: isGranted ? Math.max(0, Math.floor(tokens)) : 0,
    resetMs: Math.max(0, bucket.limit - tokens) * msAToken,
    retryAfterMs: Math.max(0, 1 - tokens) * msAToken,
  };
}

/** Calls that an instance lets in before it has drawn for them: a hundredth of the limit, none of a small one. */
export function slackOf(limit: number): number {
  return Math.floor(limit / 100);
}

/** Lets those that wait go on, or not, by what is known here: the shared bucket cannot be asked. */
export function decideAlone(bucket: Bucket, nowMs: number): void {
  for (const tell of bucket.waiting.splice(0)) {
    const isGranted = tokensLeft(bucket, nowMs) >= 1;
    if (isGranted) spend(bucket, nowMs);
    tell(isGranted);
  }
}
