/**
 * What this process has seen of each placement's reads: how long they take, how many are under way, how they end. Reads
 * are spread by it. It is a view of one process: two instances that see different latencies spread differently.
 */
export interface LoadBoard {
  /** A read goes to the placement; `end` must be called once. */
  begin(placementId: string): Attempt;
  /** What one more read would cost there, in milliseconds: see `costOf`. */
  cost(placementId: string): number;
  /** It has failed or stalled so often in a row that reads go elsewhere for a while, where there is an elsewhere. */
  isEjected(placementId: string): boolean;
  /** After so many milliseconds a read is slower than 95 of 100 there; undefined before enough of them were seen. */
  p95Ms(placementId: string): number | undefined;
  /** After so many milliseconds without an answer the placement counts as stalled. */
  stallMs(placementId: string): number;
  forget(placementIds: readonly string[]): void;
}

/** One read at one placement. */
export interface Attempt {
  /** `abandoned`: another placement was faster; the time so far is then a lower bound of what it would have taken. */
  end(outcome: 'answered' | 'failed' | 'abandoned'): void;
  /** It takes longer than `stallMs`; told once, before `end`. */
  stalled(): void;
}

/** See createLoadBoard. */
export interface LoadSettings {
  /** Time constant of the moving average. */
  readonly decayMs: number;
  /** What a failure counts as, however fast it came: an error that is answered at once must not attract reads. */
  readonly failureMs: number;
  /** Failures in a row after which a placement is ejected. */
  readonly failuresMax: number;
  /** First ejection; each further one is twice as long. */
  readonly ejectMs: number;
  readonly ejectMsMax: number;
  /** Bounds of `stallMs`, which is otherwise a multiple of the average. */
  readonly stallMsMin: number;
  readonly stallMsMax: number;
}

/** What production runs with. The decay is that of Finagle's peak EWMA balancer. */
export const LOAD_SETTINGS: LoadSettings = {
  decayMs: 10_000,
  failureMs: 1_000,
  failuresMax: 3,
  ejectMs: 1_000,
  ejectMsMax: 30_000,
  stallMsMin: 250,
  stallMsMax: 5_000,
};

/** A read that takes so many times the average is stuck rather than slow. */
const STALL_FACTOR = 20;
/** Samples before a quantile means anything. */
const SAMPLES_MIN = 20;
/** Relative step of the quantile's estimate. */
const QUANTILE_STEP = 0.05;
const P95 = 0.95;

interface Load {
  averageMs: number;
  seenAtMs: number;
  underWay: number;
  failuresInARow: number;
  ejections: number;
  ejectedUntilMs: number;
  samples: number;
  p95Ms: number;
}

/** Creates an empty board. `now` is monotonic. */
export function createLoadBoard(now: () => number, settings: LoadSettings = LOAD_SETTINGS): LoadBoard {
  return new Board(now, settings);
}

class Board implements LoadBoard {
  readonly #now: () => number;
  readonly #settings: LoadSettings;
  readonly #loads = new Map<string, Load>();

  constructor(now: () => number, settings: LoadSettings) {
    this.#now = now;
    this.#settings = settings;
  }

  begin(placementId: string): Attempt {
    const load = this.#loadOf(placementId);
    const startedAtMs = this.#now();
    let hasStalled = false;
    load.underWay++;
    return {
      stalled: () => {
        hasStalled = true;
        this.#fail(load);
      },
      end: (outcome) => {
        load.underWay--;
        const tookMs = this.#now() - startedAtMs;
        if (outcome === 'failed' && !hasStalled) return this.#fail(load);
        observe(load, tookMs, this.#now(), this.#settings.decayMs);
        if (outcome === 'answered') recover(load, tookMs);
      },
    };
  }

  cost(placementId: string): number {
    const load = this.#loads.get(placementId);
    return load ? costOf(load, this.#now(), this.#settings.decayMs) : 0;
  }

  isEjected(placementId: string): boolean {
    const load = this.#loads.get(placementId);
    if (!load || load.ejectedUntilMs === 0) return false;
    // Its time is over, but one read at a time shall find out whether it is well again.
    return load.ejectedUntilMs > this.#now() || load.underWay > 0;
  }

  p95Ms(placementId: string): number | undefined {
    const load = this.#loads.get(placementId);
    return load && load.samples >= SAMPLES_MIN ? load.p95Ms : undefined;
  }

  stallMs(placementId: string): number {
    const { stallMsMin, stallMsMax } = this.#settings;
    const averageMs = this.#loads.get(placementId)?.averageMs ?? 0;
    return Math.min(stallMsMax, Math.max(stallMsMin, averageMs * STALL_FACTOR));
  }

  forget(placementIds: readonly string[]): void {
    for (const placementId of placementIds) this.#loads.delete(placementId);
  }

  #loadOf(placementId: string): Load {
    const known = this.#loads.get(placementId);
    if (known) return known;
    const fresh: Load = { ...UNKNOWN, seenAtMs: this.#now() };
    this.#loads.set(placementId, fresh);
    return fresh;
  }

  #fail(load: Load): void {
    const { failureMs, failuresMax, ejectMs, ejectMsMax, decayMs } = this.#settings;
    observe(load, failureMs, this.#now(), decayMs);
    load.failuresInARow++;
    if (load.failuresInARow < failuresMax) return;
    load.ejectedUntilMs = this.#now() + Math.min(ejectMsMax, ejectMs * 2 ** load.ejections);
    load.ejections++;
    // One that is back is on probation: its next failure ejects it again.
    load.failuresInARow = failuresMax - 1;
  }
}

const UNKNOWN = {
  averageMs: 0,
  underWay: 0,
  failuresInARow: 0,
  ejections: 0,
  ejectedUntilMs: 0,
  samples: 0,
  p95Ms: 0,
} as const;

function recover(load: Load, tookMs: number): void {
  load.failuresInARow = 0;
  load.ejections = 0;
  load.ejectedUntilMs = 0;
  sample(load, tookMs);
}

/** Rises to a peak at once and forgets it slowly, so that a placement that has become slow is avoided from its first slow answer. */
function observe(load: Load, tookMs: number, nowMs: number, decayMs: number): void {
  const weight = Math.exp(-(nowMs - load.seenAtMs) / decayMs);
  load.averageMs = tookMs > load.averageMs ? tookMs : load.averageMs * weight + tookMs * (1 - weight);
  load.seenAtMs = nowMs;
}

/** Latency times the reads that would share it. An idle placement's latency fades, so that it is tried again some day. */
function costOf({ averageMs, seenAtMs, underWay }: Load, nowMs: number, decayMs: number): number {
  const fadedMs = underWay > 0 ? averageMs : averageMs * Math.exp(-(nowMs - seenAtMs) / decayMs);
  return fadedMs * (underWay + 1);
}

/** Follows the 95th percentile in constant memory: up by a step's 95 parts for what is above, down by 5 for what is below. */
function sample(load: Load, tookMs: number): void {
  load.samples++;
  if (load.samples === 1) {
    load.p95Ms = tookMs;
    return;
  }
  const step = Math.max(load.p95Ms, 0.1) * QUANTILE_STEP;
  load.p95Ms = tookMs > load.p95Ms ? load.p95Ms + step * P95 : Math.max(0.1, load.p95Ms - step * (1 - P95));
}
