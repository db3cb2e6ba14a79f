/** One side of a comparison: does the thing once and checks what came back. */
export type Side = () => Promise<void>;

/** How the two sides compare. */
export interface Comparison {
  /** Median of ours over the median of the baseline. */
  readonly ratio: number;
  /** Bootstrap 95 % interval of the ratio. */
  readonly low: number;
  readonly high: number;
  /** Milliseconds of one call: median and 99th percentile. */
  readonly ours: Timing;
  readonly baseline: Timing;
}

/** Milliseconds of one call. */
export interface Timing {
  readonly p50: number;
  readonly p99: number;
  /** Calls a second, all callers together. */
  readonly rate: number;
}

/** See comparePaired. */
export interface PairedOptions {
  /** Calls under way at once. */
  readonly callers: number;
  /** Calls in one block of one side. */
  readonly calls: number;
  /** Rounds of A B B A; at least 7. */
  readonly rounds: number;
  /** Blocks of each side before, which do not count: for so long (10 s unless given), and one at least. */
  readonly warmUpMs?: number;
}

/** V8 compiles what a service does over thousands of calls, and what runs for weeks has been compiled. */
const WARM_UP_MS = 10_000;

interface Block {
  readonly times: number[];
  readonly rate: number;
}

/**
 * Times two sides in interleaved blocks (A B B A), so that a machine that gets slower meanwhile does so for both. Both
 * are warmed up before.
 */
export async function comparePaired(ours: Side, baseline: Side, options: PairedOptions): Promise<Comparison> {
  const warmUntil = performance.now() + (options.warmUpMs ?? WARM_UP_MS);
  do {
    await runBlock(ours, options);
    await runBlock(baseline, options);
  } while (performance.now() < warmUntil);
  const a: Block[] = [];
  const b: Block[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    a.push(await runBlock(ours, options));
    b.push(await runBlock(baseline, options));
    b.push(await runBlock(baseline, options));
    a.push(await runBlock(ours, options));
  }
  const [low, high] = bootstrap(a.map(medianOf), b.map(medianOf));
  const timings = { ours: timingOf(a), baseline: timingOf(b) };
  return { ratio: timings.ours.p50 / timings.baseline.p50, low, high, ...timings };
}

async function runBlock(side: Side, { callers, calls }: PairedOptions): Promise<Block> {
  const times: number[] = [];
  let left = calls;
  const begun = performance.now();
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      const start = performance.now();
      await side();
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { times, rate: (times.length * 1000) / (performance.now() - begun) };
}

const medianOf = ({ times }: Block): number => quantile(times, 0.5);

function timingOf(blocks: readonly Block[]): Timing {
  const all = blocks.flatMap(({ times }) => times);
  return { p50: quantile(all, 0.5), p99: quantile(all, 0.99), rate: Math.max(...blocks.map(({ rate }) => rate)) };
}

/** The value below which a share of the numbers lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((x, y) => x - y);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const RESAMPLES = 2000;

/** 95 % interval of the ratio of medians, by drawing whole blocks again with a fixed seed. */
function bootstrap(a: readonly number[], b: readonly number[]): [number, number] {
  const random = mulberry32(1);
  const draw = (from: readonly number[]): number =>
    quantile(
      from.map(() => from[Math.floor(random() * from.length)] ?? 0),
      0.5,
    );
  const ratios = Array.from({ length: RESAMPLES }, () => draw(a) / draw(b));
  return [quantile(ratios, 0.025), quantile(ratios, 0.975)];
}

/** Small generator of numbers in [0, 1) that gives the same ones for the same seed. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}
