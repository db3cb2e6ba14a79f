import { describe, expect, it } from '@jest/globals';
import type { DatabaseView, PlacementView } from '../database/database-view.ts';
import type { PlacementRole, PlacementState } from '../placement/placement.ts';
import { chooseCandidates } from './read-candidates.ts';
import type { ReadDemand } from './read-router.ts';

function placement(id: string, state: PlacementState, role: PlacementRole = 'REPLICA'): PlacementView {
  const known = { databaseId: 'd', revision: 1, collection: 'c', appliedSequence: 0, epoch: 1 };
  return { ...known, id, state, role, serverId: `server of ${id}`, weight: 100, isPreferred: true };
}

const primary = placement('primary', 'IN_SYNC', 'PRIMARY');
const placements = [
  placement('offline', 'OFFLINE'),
  placement('filling', 'BACKFILLING'),
  placement('behind', 'LAGGING'),
  primary,
];
const view: DatabaseView = {
  id: 'd',
  ownerId: 'o',
  dimension: 3,
  metric: 'cosine',
  readPolicy: 'ANY',
  pinnedServerId: '',
  writePolicy: 'PRIMARY',
  headSequence: 100,
  primary,
  placements,
};
const APPLIED: Readonly<Record<string, number>> = { primary: 100, behind: 90, offline: 80, filling: 0 };
const progress = { head: 100, applied: (id: string) => APPLIED[id] ?? 0 };

function choose(demand: Partial<ReadDemand>, pinned = ''): string[] {
  const pinnedServerId = pinned && `server of ${pinned}`;
  const all = chooseCandidates(
    { ...view, pinnedServerId },
    { policy: 'ANY', atLeast: 0, maxStaleness: 0, ...demand },
    progress,
  );
  return all.map(({ placement: { id }, waitsFor }) => (waitsFor > 0 ? `${id} at ${waitsFor}` : id));
}

describe('who may answer a read', () => {
  it.each([
    ['any, but none that is still filled', {}, ['offline', 'behind', 'primary']],
    ['the primary alone', { policy: 'PRIMARY' }, ['primary']],
    [
      'with a token, the others once they have caught up',
      { atLeast: 95 },
      ['offline at 95', 'behind at 95', 'primary'],
    ],
    ['within a bound', { policy: 'BOUNDED', maxStaleness: 15 }, ['offline at 85', 'behind', 'primary']],
    [
      'with a token and a bound, by the stricter',
      { policy: 'BOUNDED', maxStaleness: 50, atLeast: 85 },
      ['offline at 85', 'behind', 'primary'],
    ],
    ['the primary, once it has what the token names', { policy: 'PRIMARY', atLeast: 101 }, ['primary at 101']],
  ] as const)('%s', (_what, demand, expected) => {
    expect(choose(demand)).toEqual(expected);
  });

  it.each([
    ['a replica', {}, 'behind', ['behind']],
    ['a replica that has yet to catch up', { atLeast: 95 }, 'behind', ['behind at 95']],
    ['a replica that is still filled', {}, 'filling', []],
    ['a replica, while the primary is asked for', { policy: 'PRIMARY' }, 'behind', []],
    ['the primary, which is asked for', { policy: 'PRIMARY' }, 'primary', ['primary']],
  ] as const)('pinned to %s', (_what, demand, pinned, expected) => {
    expect(choose(demand, pinned)).toEqual(expected);
  });
});
