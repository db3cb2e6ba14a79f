import { type Fingerprint, seedOf } from './fingerprint.ts';

/** A collection in a few numbers for each range of ids, whatever order its records were read in. */
export interface Digest {
  add(id: string, record: Fingerprint): void;
  /** Records of a range. */
  count(range: number): number;
  /** Ranges in which two digests of the same number of ranges differ. */
  differences(other: Digest): readonly number[];
  readonly state: DigestState;
}

/** See Digest. */
export interface DigestState {
  readonly ranges: number;
  readonly counts: Uint32Array;
  readonly contents: Uint32Array;
  readonly projections: Float64Array;
  readonly tolerances: Float64Array;
}

const RECORDS_PER_RANGE = 16;
const RANGES_MAX = 65_536;
const WORDS = 4;

/** How many ranges suit a collection of so many records. */
export function rangesFor(records: number): number {
  return Math.max(1, Math.min(RANGES_MAX, Math.ceil(records / RECORDS_PER_RANGE)));
}

/** The range of an id. */
export function rangeOf(id: string, ranges: number): number {
  return seedOf(id) % ranges;
}

/** Creates the digest of an empty collection. */
export function createDigest(ranges: number): Digest {
  const state: DigestState = {
    ranges,
    counts: new Uint32Array(ranges),
    contents: new Uint32Array(ranges * WORDS),
    projections: new Float64Array(ranges),
    tolerances: new Float64Array(ranges),
  };
  const { counts, contents, projections, tolerances } = state;

  return {
    state,
    add(id, { content, projection, tolerance }) {
      const range = rangeOf(id, ranges);
      counts[range] = (counts[range] ?? 0) + 1;
      // A sum, and not XOR: a record that is read twice must not cancel itself out.
      for (let word = 0; word < WORDS; word++) {
        const at = range * WORDS + word;
        contents[at] = (contents[at] ?? 0) + (content[word] ?? 0);
      }
      projections[range] = (projections[range] ?? 0) + projection;
      tolerances[range] = (tolerances[range] ?? 0) + tolerance;
    },
    count: (range) => counts[range] ?? 0,
    differences({ state: other }) {
      const differing: number[] = [];
      for (let range = 0; range < ranges; range++) if (differs(state, other, range)) differing.push(range);
      return differing;
    },
  };
}

function differs(a: DigestState, b: DigestState, range: number): boolean {
  if (a.counts[range] !== b.counts[range]) return true;
  for (let at = range * WORDS; at < (range + 1) * WORDS; at++) if (a.contents[at] !== b.contents[at]) return true;
  const apart = Math.abs((a.projections[range] ?? 0) - (b.projections[range] ?? 0));
  // Twice: either side may be off by its own. The dimensions add up, hence a little room for many of them.
  return apart > 2 * Math.max(a.tolerances[range] ?? 0, b.tolerances[range] ?? 0) + Number.EPSILON;
}
