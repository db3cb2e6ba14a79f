import { describe, expect, it } from '@jest/globals';
import { newRandom } from '../../../test/simulation/random.ts';
import type { Preferred } from '../database/read-preference.ts';
import type { PlacementState } from '../placement/placement.ts';
import { rank } from './rank.ts';
import type { Candidate } from './read-candidates.ts';

const EQUAL: Preferred = { weight: 100, isPreferred: true };

function candidate(id: string, state: PlacementState = 'IN_SYNC', waitsFor = 0, as = EQUAL): Candidate {
  const placement = {
    id,
    state,
    role: 'REPLICA',
    databaseId: 'd',
    serverId: id,
    revision: 1,
    collection: 'c',
  } as const;
  return { placement: { ...placement, ...as, appliedSequence: 0, epoch: 1 }, waitsFor };
}

/** A fixed sequence of draws, round and round. */
function draws(...values: readonly number[]): () => number {
  let next = 0;
  return () => values[next++ % values.length] ?? 0;
}

const COSTS: Readonly<Record<string, number>> = { a: 5, b: 1, c: 3 };
const standing = {
  cost: (id: string) => COSTS[id] ?? 0,
  isDown: () => false,
  isEjected: () => false,
  random: draws(0),
};
const ids = (candidates: readonly Candidate[]) => candidates.map(({ placement }) => placement.id).join(' ');

describe('the order in which placements are tried', () => {
  it('puts the cheaper of two drawn first, the others by cost behind it', () => {
    const all = [candidate('a'), candidate('b'), candidate('c')];
    // By cost: b, c, a. The draw is of the second and the third.
    expect(ids(rank(all, { ...standing, random: draws(0.4, 0) }))).toBe('c b a');
    expect(ids(rank(all, { ...standing, random: draws(0, 0) }))).toBe('b c a');
  });

  it('draws among the best class alone', () => {
    const all = [candidate('b', 'LAGGING'), candidate('a'), candidate('c')];
    for (const random of [draws(0), draws(0.99), draws(0.5, 0.1)]) {
      expect(ids(rank(all, { ...standing, random }))).toBe('c a b');
    }
  });

  it('prefers one that is slow to one that must catch up, and that to one that is ejected', () => {
    const all = [candidate('b'), candidate('c', 'IN_SYNC', 7), candidate('a')];
    const isEjected = ({ placement }: Candidate) => placement.id === 'b';
    expect(ids(rank(all, { ...standing, isEjected }))).toBe('a c b');
  });

  it('prefers one that is ejected to one whose server is down, whatever it costs', () => {
    const all = [candidate('b'), candidate('a')];
    const isDown = ({ placement }: Candidate) => placement.id === 'b';
    expect(ids(rank(all, { ...standing, isDown, isEjected: () => true }))).toBe('a b');
  });

  it('tries all when all are down', () => {
    const all = [candidate('a'), candidate('b')];
    expect(ids(rank(all, { ...standing, isDown: () => true }))).toBe('b a');
  });

  it('sends every placement about its share when all cost the same', () => {
    const all = [candidate('a'), candidate('b'), candidate('c')];
    const firsts = new Map<string, number>();
    for (let draw = 0; draw < 900; draw++) {
      const random = draws((draw % 30) / 30, Math.floor(draw / 30) / 30);
      const [first] = rank(all, { ...standing, cost: () => 1, random });
      firsts.set(first?.placement.id ?? '', (firsts.get(first?.placement.id ?? '') ?? 0) + 1);
    }
    expect([...firsts.values()]).toEqual([300, 300, 300]);
  });
});

/** `id state [weight=…] [behind] [other] [ejected] [down]` each, in one order of costs: a the cheapest. */
function parse(text: string): { candidate: Candidate; marks: readonly string[] } {
  const [id = '', state, ...marks] = text.split(' ');
  const weight = Number(marks.find((mark) => mark.startsWith('weight='))?.slice('weight='.length) ?? 100);
  const as = { weight, isPreferred: !marks.includes('other') };
  return { candidate: candidate(id, state as PlacementState, marks.includes('behind') ? 9 : 0, as), marks };
}

describe('what a database prefers', () => {
  it.each([
    ['a preferred label before a lower cost', ['a IN_SYNC other', 'b IN_SYNC'], 'b a'],
    ['the cheaper of two that are preferred', ['a IN_SYNC other', 'b IN_SYNC', 'c IN_SYNC'], 'b c a'],
    ['nobody preferred is there', ['a IN_SYNC other', 'b IN_SYNC other'], 'a b'],
    ['the preferred one is down', ['a IN_SYNC other', 'b IN_SYNC down'], 'a b'],
    ['the preferred one is ejected', ['a IN_SYNC other', 'b IN_SYNC ejected'], 'a b'],
    ['the preferred one is too old for the read', ['a IN_SYNC other', 'b IN_SYNC behind'], 'a b'],
    ['the preferred one lags', ['a IN_SYNC other', 'b LAGGING'], 'a b'],
    ['the preferred one does not take the log', ['a IN_SYNC other', 'b OFFLINE'], 'a b'],
    ['all lag', ['a LAGGING other', 'b LAGGING'], 'b a'],
    ['all are down', ['a IN_SYNC down other', 'b IN_SYNC down'], 'b a'],
    ['a weight of nothing comes last', ['a IN_SYNC weight=0', 'b IN_SYNC weight=1'], 'b a'],
    ['also where it is preferred', ['a IN_SYNC weight=0', 'b IN_SYNC other'], 'b a'],
    ['also where the other one lags', ['a IN_SYNC weight=0', 'b LAGGING'], 'b a'],
    ['but before one that must catch up', ['a IN_SYNC behind', 'b IN_SYNC weight=0'], 'b a'],
    ['and before one that fails', ['a IN_SYNC ejected', 'b IN_SYNC weight=0'], 'b a'],
    ['all have a weight of nothing', ['a IN_SYNC weight=0', 'b IN_SYNC weight=0'], 'a b'],
    ['one that is drawn stays though it costs twice as much', ['a IN_SYNC weight=30', 'b IN_SYNC weight=90'], 'b a'],
    ['one that costs four times as much does not', ['a IN_SYNC weight=30', 'd IN_SYNC weight=90'], 'a d'],
    ['of equal weights the cheaper one', ['a IN_SYNC weight=30', 'b IN_SYNC weight=30'], 'a b'],
  ] as const)('%s', (_what, placements, expected) => {
    const all = placements.map(parse);
    const has = (mark: string) => (each: Candidate) =>
      all.some(({ candidate: { placement }, marks }) => placement.id === each.placement.id && marks.includes(mark));
    const order = rank(
      all.map((each) => each.candidate),
      {
        cost: (id) => ({ a: 1, b: 2, c: 3, d: 4 })[id] ?? 0,
        isDown: has('down'),
        isEjected: has('ejected'),
        // The last one is drawn.
        random: () => 0.99,
      },
    );
    expect(ids(order)).toBe(expected);
  });

  /** Shares of 20,000 reads at servers of these weights, whose costs vary by half for no reason. */
  function shares(weights: readonly number[], cost = (_id: string): number => 1): readonly number[] {
    const random = newRandom(11);
    const all = weights.map((weight, at) => candidate(`${at}`, 'IN_SYNC', 0, { weight, isPreferred: true }));
    const counts = weights.map(() => 0);
    for (let read = 0; read < 20_000; read++) {
      const noisy = (id: string): number => cost(id) * (1 + random() / 2);
      const [first] = rank(all, { ...standing, cost: noisy, random });
      const at = Number(first?.placement.id);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    return counts.map((count) => count / 20_000);
  }

  it.each([
    [
      [100, 50],
      [0.67, 0.33],
    ],
    [
      [90, 10],
      [0.9, 0.1],
    ],
    [
      [1, 99],
      [0.01, 0.99],
    ],
    [
      [60, 30, 10],
      [0.6, 0.3, 0.1],
    ],
    [
      [100, 100, 0],
      [0.5, 0.5, 0],
    ],
    [
      [7, 7, 7],
      [0.33, 0.33, 0.33],
    ],
  ])('asks servers of weights %j as often as these say', (weights, expected) => {
    for (const [at, share] of shares(weights).entries()) {
      expect(Math.abs(share - (expected[at] ?? 0))).toBeLessThan(0.02);
    }
  });

  it('leaves one that costs much more than its weight makes up for', () => {
    const [slow] = shares([75, 25], (id) => (id === '0' ? 100 : 1));
    expect(slow).toBe(0);
  });
});
