import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { ConnectorError, type VectorConnector } from '@morag/connectors-core';
import { newCall } from '../../call.ts';
import type { DatabaseView, PlacementView } from '../database/database-view.ts';
import { createSequenceBoard } from '../log/sequence-board.ts';
import { createHedgeBudget } from './hedge-budget.ts';
import { createLoadBoard, LOAD_SETTINGS } from './load-board.ts';
import { createReadRouter, type ReadDemand } from './read-router.ts';

const [ANY, HEAD] = [{ policy: 'ANY', atLeast: 0, maxStaleness: 0 } satisfies ReadDemand, 10];

function placement(id: string, role: PlacementView['role'] = 'REPLICA'): PlacementView {
  return {
    id,
    role,
    state: 'IN_SYNC',
    databaseId: 'd',
    serverId: `server of ${id}`,
    revision: 1,
    collection: 'c',
    appliedSequence: HEAD,
    epoch: 1,
    weight: 100,
    isPreferred: true,
  };
}

const primary = placement('a', 'PRIMARY');
const view: DatabaseView = {
  id: 'd',
  ownerId: 'o',
  dimension: 3,
  metric: 'cosine',
  readPolicy: 'ANY',
  pinnedServerId: '',
  writePolicy: 'PRIMARY',
  headSequence: HEAD,
  primary,
  placements: [primary, placement('b'), placement('c')],
};

/** What a placement's server does with a request. */
type Behaviour = (signal: AbortSignal) => Promise<string>;

const failing = (category: ConnectorError['category']): Behaviour => {
  return async () => {
    throw new ConnectorError(category, { vendor: 'chroma', operation: 'query' }, `it is ${category}`);
  };
};
const silent: Behaviour = (signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
const answering: Behaviour = async () => 'answer';

function newRouter(
  behaviours: Record<string, Behaviour>,
  options: { down?: readonly string[]; hedgeShare?: number; stallMsMin?: number; now?: () => number } = {},
) {
  const asked: string[] = [];
  const board = createSequenceBoard();
  for (const id of ['a', 'b', 'c']) board.sawApplied(id, { epoch: 1, appliedSequence: HEAD });
  let draws = 0;
  const { now = () => performance.now(), stallMsMin = LOAD_SETTINGS.stallMsMin } = options;
  const loads = createLoadBoard(now, { ...LOAD_SETTINGS, stallMsMin });
  const router = createReadRouter({
    board,
    loads,
    hedges: createHedgeBudget(options.hedgeShare ?? 0),
    isDown: (serverId) => options.down?.includes(serverId) ?? false,
    observer: { picked: ({ id }) => asked.push(id), hedged: () => {}, started: () => () => {}, forget: () => {} },
    // Low discrepancy, so that each placement gets its share in any run.
    random: () => (draws++ * 0.618) % 1,
    pool: { use: (_key, use) => use({} as VectorConnector) },
  });
  const read = (demand: ReadDemand = ANY, deadlineMs = 10_000, of = view) => {
    const started = performance.now();
    const call = newCall(AbortSignal.timeout(deadlineMs), () => deadlineMs - (performance.now() - started));
    return router.read(of, demand, call, (_connector, { id }, { signal = call.signal }) =>
      (behaviours[id] ?? answering)(signal),
    );
  };
  return { read, asked, board, loads };
}

/** How many of the placements asked are that one. */
const count = (asked: readonly string[], id: string): number => asked.filter((each) => each === id).length;

describe('the read router', () => {
  it('says who answered and how far behind it is', async () => {
    const { read } = newRouter({});
    expect(await read({ ...ANY, policy: 'PRIMARY' })).toEqual({ answer: 'answer', servedBy: 'a', staleness: 0 });
  });

  it('spreads reads over all placements', async () => {
    // A hiccup of the machine would count against whoever is asked then.
    const { read, asked } = newRouter({}, { now: () => 0 });
    for (let reads = 0; reads < 300; reads++) await read();
    for (const id of ['a', 'b', 'c']) expect(count(asked, id)).toBeGreaterThan(30);
  });

  it.each(['unavailable', 'timeout', 'internal', 'not_found', 'unauthenticated'] as const)(
    'answers every read while one placement fails with %s, and asks that one hardly ever',
    async (category) => {
      const { read, asked } = newRouter({ a: failing(category) });
      for (let reads = 0; reads < 1_000; reads++) expect((await read()).answer).toBe('answer');
      expect(count(asked, 'a')).toBeLessThanOrEqual(10);
    },
  );

  it('does not pass on what another placement would refuse as well', async () => {
    const { read, asked } = newRouter({
      a: failing('invalid_argument'),
      b: failing('invalid_argument'),
      c: failing('invalid_argument'),
    });
    await expect(read()).rejects.toMatchObject({ reason: 'SERVER_REJECTED' });
    expect(asked).toHaveLength(1);
  });

  it('leaves a placement that says nothing after one stall, within the deadline', async () => {
    const { read, asked } = newRouter({ a: silent });
    for (let reads = 0; reads < 200; reads++) expect((await read(ANY, 5_000)).answer).toBe('answer');
    expect(count(asked, 'a')).toBeLessThanOrEqual(5);
  });

  it('asks a second placement when the first is later than usual, as far as the budget goes', async () => {
    let isSlow = false;
    const slow: Behaviour = (signal) => (isSlow ? silent(signal) : answering(signal));
    const { read, asked } = newRouter({ a: slow, b: slow }, { hedgeShare: 1, stallMsMin: 60_000 });
    for (let reads = 0; reads < 200; reads++) await read();
    isSlow = true;
    asked.length = 0;
    const started = performance.now();
    while (count(asked, 'a') + count(asked, 'b') === 0) await read(ANY, 60_000);
    // Neither by the stall, a minute, nor by half of the deadline.
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it('sends nothing to a server that is down while another one is up, and tries it when none is', async () => {
    const { read, asked } = newRouter(
      { b: failing('unavailable'), c: failing('unavailable') },
      { down: ['server of a'] },
    );
    expect((await read()).servedBy).toBe('a');
    expect(asked.at(-1)).toBe('a');
    expect(asked).toHaveLength(3);
  });

  it('asks another one when half of the time is over, however slow the first may be', async () => {
    const { read, asked } = newRouter({ a: silent }, { stallMsMin: 5_000 });
    const [deadlineMs, startedMs] = [3_000, performance.now()];
    while (count(asked, 'a') === 0) expect((await read(ANY, deadlineMs)).answer).toBe('answer');
    expect(performance.now() - startedMs).toBeGreaterThan(deadlineMs / 2 - 10);
  });

  it('does not ask one whose server is down beside one that is late', async () => {
    const late: Behaviour = async () => {
      await pause(400);
      return 'answer';
    };
    const { read, asked } = newRouter({ a: late }, { down: ['server of b', 'server of c'], hedgeShare: 1 });
    expect((await read()).servedBy).toBe('a');
    expect(asked).toEqual(['a']);
  });

  it('waits for a placement that catches up when none is fresh enough', async () => {
    const { read, board } = newRouter({});
    const reading = read({ ...ANY, policy: 'AT_LEAST', atLeast: HEAD + 1 });
    board.sawApplied('b', { epoch: 1, appliedSequence: HEAD + 1 });
    expect((await reading).servedBy).toBe('b');
  });

  it('asks the server alone to which reads are pinned, and says so when it cannot answer', async () => {
    const { read, asked } = newRouter({ b: failing('unavailable') });
    const pinnedTo = (id: string): DatabaseView => ({ ...view, pinnedServerId: `server of ${id}` });
    for (let reads = 0; reads < 20; reads++) expect((await read(ANY, 10_000, pinnedTo('c'))).servedBy).toBe('c');
    expect(new Set(asked)).toEqual(new Set(['c']));
    asked.length = 0;
    const metadata = { pinnedServerId: 'server of b' };
    await expect(read(ANY, 10_000, pinnedTo('b'))).rejects.toMatchObject({
      reason: 'NO_PLACEMENT_AVAILABLE',
      metadata,
    });
    expect(asked).toEqual(['b']);
    const primary = read({ ...ANY, policy: 'PRIMARY' }, 10_000, pinnedTo('c'));
    await expect(primary).rejects.toThrow('this one asks for the primary, which is elsewhere');
  });

  it('says so when none can be read', async () => {
    const down = failing('unavailable');
    const { read, asked } = newRouter({ a: down, b: down, c: down });
    await expect(read()).rejects.toMatchObject({ reason: 'NO_PLACEMENT_AVAILABLE' });
    expect(new Set(asked).size).toBe(3);
  });
});
