import type { Logger } from '@morag/telemetry';
import { type Bucket, newBucket, spend, type Taken, takenFrom, tokensLeft } from './bucket.ts';

/** What is asked of one bucket; see `TokenDraw` of the contract. */
export interface Draw {
  readonly subject: string;
  readonly limit: number;
  /** Calls that were let in already. */
  readonly used: number;
  /** Calls that wait. */
  readonly wanted: number;
}

/** What a bucket answers: tokens for those that wait, and what is left in it. */
export interface Balance {
  readonly granted: number;
  readonly tokens: number;
}

/** Draws from the buckets that all instances share; balances in the order of the draws. */
export type DrawTokens = (draws: readonly Draw[], signal: AbortSignal) => Promise<readonly Balance[]>;

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
/** As many as the contract takes at once. */
const DRAWS_MAX = 1_000;
/** What was used is drawn for at the latest after this. */
const DRAW_AFTER_MS = 1_000;
/** A draw that takes longer has failed; then nobody waits for another one for as long. */
const DRAW_MS_MAX = 1_000;

/** Calls that an instance lets in before it has drawn for them: a hundredth of the limit, none of a small one. */
const slackOf = (limit: number): number => Math.floor(limit / 100);

/**
 * Token buckets that instances share. An instance lets calls in on what it knows of a bucket and draws for them
 * afterwards, for all subjects together: for at most a hundredth of a limit, so that this is what each instance can let
 * in too many. What it knows is never less than what is there, so it refuses without asking. Where the shared buckets
 * are away, each instance counts for itself.
 */
export function createTokenBuckets(options: TokenBucketsOptions): TokenBuckets {
  const { draw, logger, now = () => performance.now(), subjectsMax = SUBJECTS_MAX } = options;
  const buckets = new Map<string, Bucket>();
  const drawing = createDrawing({ draw, logger, now });

  const find = (subject: string, limit: number): Bucket => {
    const found = buckets.get(subject) ?? newBucket(subject, limit, now());
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
      const bucket = buckets.get(subject);
      if (!bucket) return;
      bucket.tokens += 1;
      bucket.owed -= 1;
    },
    close: () => drawing.close(),
  };
}

/** Draws for many buckets at once, one draw after the other. */
function createDrawing({ draw, logger, now }: Required<Pick<TokenBucketsOptions, 'draw' | 'logger' | 'now'>>) {
  const due = new Set<Bucket>();
  const stopping = new AbortController();
  let awayUntil = Number.NEGATIVE_INFINITY;
  let isRunning = false;
  let isUrgent = false;
  let timer: NodeJS.Timeout | undefined;
  const isAway = (): boolean => stopping.signal.aborted || now() < awayUntil;

  const later = (): void => {
    if (!stopping.signal.aborted) timer ??= setTimeout(() => void run(), DRAW_AFTER_MS).unref();
  };
  const run = async (): Promise<void> => {
    if (isRunning) return;
    isRunning = true;
    clearTimeout(timer);
    timer = undefined;
    do {
      isUrgent = false;
      const batch = [...due].slice(0, DRAWS_MAX);
      for (const bucket of batch) due.delete(bucket);
      if (!isAway()) await drawFor(batch).catch((error: unknown) => fail(batch, error));
      else for (const bucket of batch) keep(bucket);
    } while (isUrgent && !isAway());
    isRunning = false;
    if (due.size > 0) later();
  };
  const drawFor = async (batch: readonly Bucket[]): Promise<void> => {
    const asOf = now();
    const owed = batch.map((bucket) => Math.max(0, bucket.owed));
    const draws = batch.map(({ subject, limit, waiting }, at) => ({
      subject,
      limit,
      // A larger debt would be forgiven anyway.
      used: Math.min(owed[at] ?? 0, limit),
      wanted: waiting.length,
    }));
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(DRAW_MS_MAX)]);
    const balances = await draw(draws, signal);
    for (const [at, bucket] of batch.entries()) {
      const { granted = 0, tokens = 0 } = balances[at] ?? {};
      const drawn = bucket.waiting.splice(0, draws[at]?.wanted);
      bucket.owed -= owed[at] ?? 0;
      Object.assign(bucket, { tokens: tokens - bucket.owed, asOf });
      for (const [place, tell] of drawn.entries()) tell(place < granted);
    }
  };
  const fail = (batch: readonly Bucket[], error: unknown): void => {
    awayUntil = now() + DRAW_MS_MAX;
    logger.debug({ err: error }, 'the shared rate limits are away; this instance counts for itself');
    for (const bucket of [...batch, ...due]) keep(bucket);
  };
  /** Those that wait are let in by what is known here; what was used is drawn for when the shared buckets are back. */
  const keep = (bucket: Bucket): void => {
    for (const tell of bucket.waiting.splice(0)) {
      const isGranted = tokensLeft(bucket, now()) >= 1;
      if (isGranted) spend(bucket, now());
      tell(isGranted);
    }
    if (bucket.owed > 0) due.add(bucket);
  };
  const urgent = (): void => {
    isUrgent = true;
    void run();
  };

  return {
    isAway,
    /** Draws for what was used: in time, so that the next calls need not wait for it. */
    soon(bucket: Bucket): void {
      due.add(bucket);
      if (bucket.owed * 2 > slackOf(bucket.limit) && !isAway()) urgent();
      else later();
    },
    /** Whether a token was drawn for a call. */
    wait(bucket: Bucket): Promise<boolean> {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      bucket.waiting.push(resolve);
      due.add(bucket);
      urgent();
      return promise;
    },
    close(): void {
      clearTimeout(timer);
      stopping.abort();
      for (const bucket of due) keep(bucket);
    },
  };
}
