import { describe, expect, it } from '@jest/globals';
import type { PlacementState } from '../placement/placement.ts';
import { rank } from './rank.ts';
import type { Candidate } from './read-candidates.ts';

function candidate(id: string, state: PlacementState = 'IN_SYNC', waitsFor = 0): Candidate {
  const placement = {
    id,
    state,
    role: 'REPLICA',
    databaseId: 'd',
    serverId: id,
    revision: 1,
    collection: 'c',
  } as const;
  return { placement: { ...placement, appliedSequence: 0, epoch: 1 }, waitsFor };
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
