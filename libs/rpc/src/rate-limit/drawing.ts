import type { Logger } from '@morag/telemetry';
import { type Bucket, decideAlone, slackOf } from './bucket.ts';

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

/** See Drawing. */
export interface DrawingOptions {
  readonly draw: DrawTokens;
  readonly logger: Logger;
  readonly now: () => number;
}

/** As many as the contract takes at once. */
const DRAWS_MAX = 1_000;
/** What was used is drawn for at the latest after this. */
const DRAW_AFTER_MS = 1_000;
/** A draw that takes longer has failed; then nobody waits for another one for as long. */
const DRAW_MS_MAX = 1_000;
/** Buckets that are remembered while they cannot be drawn from; what was used of others is forgiven. */
const DUE_MAX = 50_000;

/** Draws for many buckets at once, one draw after the other. */
export class Drawing {
  readonly #options: DrawingOptions;
  #due = new Map<string, Bucket>();
  /** Those that are being drawn for. */
  #underWay: ReadonlyMap<string, Bucket> = new Map();
  readonly #stopping = new AbortController();
  #awayUntil = Number.NEGATIVE_INFINITY;
  #isRunning = false;
  #isUrgent = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DrawingOptions) {
    this.#options = options;
  }

  /** True while nobody is to wait for a draw. */
  isAway(): boolean {
    return this.#stopping.signal.aborted || this.#options.now() < this.#awayUntil;
  }

  /** The bucket of a subject that is still to be drawn for: it must not be replaced by a new one, which knows of no debt. */
  recall(subject: string): Bucket | undefined {
    return this.#due.get(subject) ?? this.#underWay.get(subject);
  }

  /** Draws for what was used: in time, so that the next calls need not wait for it. */
  soon(bucket: Bucket): void {
    this.#note(bucket);
    if (bucket.owed * 2 > slackOf(bucket.limit) && !this.isAway()) this.#urgently();
    else this.#later();
  }

  /** Whether a token was drawn for a call. */
  wait(bucket: Bucket): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    bucket.waiting.push(resolve);
    this.#due.set(bucket.subject, bucket);
    this.#urgently();
    return promise;
  }

  /** Draws no more; those that wait go on. */
  close(): void {
    clearTimeout(this.#timer);
    this.#stopping.abort();
    this.#keep([...this.#due.values()]);
  }

  #urgently(): void {
    this.#isUrgent = true;
    void this.#run();
  }

  #later(): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer ??= setTimeout(() => void this.#run(), DRAW_AFTER_MS).unref();
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    do {
      this.#isUrgent = false;
      this.#underWay = this.#due;
      this.#due = new Map();
      const due = [...this.#underWay.values()];
      for (let at = 0; at < due.length; at += DRAWS_MAX) await this.#drawFor(due.slice(at, at + DRAWS_MAX));
    } while (this.#isUrgent && !this.isAway());
    this.#underWay = new Map();
    this.#isRunning = false;
    if (this.#due.size > 0) this.#later();
  }

  async #drawFor(batch: readonly Bucket[]): Promise<void> {
    if (this.isAway()) return this.#keep(batch);
    const { draw, logger, now } = this.#options;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(DRAW_MS_MAX)]);
    // Not every way to draw can be cut off; nobody waits for it longer all the same.
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    const asOf = now();
    try {
      await drawFor(batch, { asOf, draw: (draws) => Promise.race([draw(draws, signal), late]) });
    } catch (error) {
      this.#awayUntil = now() + DRAW_MS_MAX;
      logger.debug({ err: error }, 'the shared rate limits are away; this instance counts for itself');
      this.#keep([...batch, ...this.#due.values()]);
    }
  }

  /** What was used stays due, for when the shared buckets are back. */
  #keep(buckets: readonly Bucket[]): void {
    for (const bucket of buckets) {
      decideAlone(bucket, this.#options.now());
      if (bucket.owed > 0) this.#note(bucket);
    }
  }

  #note(bucket: Bucket): void {
    if (this.#due.size < DUE_MAX) this.#due.set(bucket.subject, bucket);
  }
}

/** One draw: what it leaves in the buckets is what is known of them from `asOf` on. */
async function drawFor(
  batch: readonly Bucket[],
  { asOf, draw }: { readonly asOf: number; readonly draw: (draws: readonly Draw[]) => Promise<readonly Balance[]> },
): Promise<void> {
  const owed = batch.map((bucket) => Math.max(0, bucket.owed));
  const draws = batch.map(({ subject, limit, waiting }, at) => ({
    subject,
    limit,
    // A larger debt would be forgiven anyway.
    used: Math.min(owed[at] ?? 0, limit),
    wanted: waiting.length,
  }));
  const balances = await draw(draws);
  for (const [at, bucket] of batch.entries()) {
    const { granted = 0, tokens = 0 } = balances[at] ?? {};
    const drawn = bucket.waiting.splice(0, draws[at]?.wanted);
    bucket.owed -= owed[at] ?? 0;
    Object.assign(bucket, { tokens: tokens - bucket.owed, asOf });
    for (const [place, tell] of drawn.entries()) tell(place < granted);
  }
}
