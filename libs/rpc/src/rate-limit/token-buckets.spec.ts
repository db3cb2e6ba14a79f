import { beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@morag/telemetry';
import { fixedClock } from '@morag/testing';
import type { Taken } from './bucket.ts';
import type { Draw, DrawTokens } from './drawing.ts';
import { createTokenBuckets, type TokenBuckets } from './token-buckets.ts';

const logger = createLogger({ level: 'silent', service: 'test' });

let clock: ReturnType<typeof fixedClock>;
let shared: Map<string, number>;
let draws: (readonly Draw[])[];
let isAway: boolean;

/** The shared buckets, without time: what comes back to them is not what these tests are about. */
const draw: DrawTokens = async (wanted) => {
  draws.push(wanted);
  await Promise.resolve();
  if (isAway) throw new Error('away');
  return wanted.map(({ subject, limit, used, wanted: count }) => {
    const left = (shared.get(subject) ?? limit) - used;
    const granted = Math.min(count, Math.max(0, left));
    shared.set(subject, left - granted);
    return { granted, tokens: left - granted };
  });
};
const newInstance = (subjectsMax?: number): TokenBuckets =>
  createTokenBuckets({ draw, logger, now: clock.now, ...(subjectsMax && { subjectsMax }) });

beforeEach(() => {
  clock = fixedClock();
  [shared, draws, isAway] = [new Map(), [], false];
});

async function takeMany(instance: TokenBuckets, count: number, limit: number): Promise<number> {
  const taken = await Promise.all(Array.from({ length: count }, async () => instance.take('user u', limit)));
  return taken.filter(({ isGranted }) => isGranted).length;
}

describe('token buckets that instances share', () => {
  it('let no call too many in where the limit is small', async () => {
    const [a, b] = [newInstance(), newInstance()];
    const granted = await Promise.all([takeMany(a, 50, 60), takeMany(b, 50, 60)]);
    expect(granted[0] + granted[1]).toBe(60);
    expect(draws.length).toBeLessThan(10);
  });

  it('let each instance guess for a hundredth of the limit, and no more', async () => {
    const instances = Array.from({ length: 4 }, () => newInstance());
    let granted = 0;
    for (let round = 0; round < 1_000; round++) {
      for (const instance of instances) if ((await instance.take('user u', 1_000)).isGranted) granted += 1;
    }
    expect(granted).toBeGreaterThanOrEqual(1_000);
    expect(granted).toBeLessThanOrEqual(1_000 + 4 * 10);
  });

  it('answer at once, and draw for many calls together', () => {
    const instance = newInstance();
    for (let call = 0; call < 100; call++) {
      expect(instance.take('user u', 60_000)).toMatchObject({ isGranted: true, remaining: 59_999 - call });
    }
    expect(draws).toEqual([]);
  });

  it('refuse without asking, until time has filled the bucket', async () => {
    const instance = newInstance();
    await takeMany(instance, 60, 60);
    const asked = draws.length;
    const refused = instance.take('user u', 60) as Taken;
    expect(refused).toEqual({ isGranted: false, limit: 60, remaining: 0, resetMs: 60_000, retryAfterMs: 1_000 });
    expect(draws).toHaveLength(asked);
    shared.set('user u', 1);
    clock.advance(1_000);
    expect(await instance.take('user u', 60)).toMatchObject({ isGranted: true });
  });

  it('that are away leave each instance to count for itself, and hear of it later', async () => {
    isAway = true;
    const instance = newInstance();
    expect(await takeMany(instance, 100, 60)).toBe(60);
    const asked = draws.length;
    clock.advance(500);
    expect(instance.take('user u', 60)).toMatchObject({ isGranted: false });
    expect(draws).toHaveLength(asked);
    clock.advance(500);
    expect(await instance.take('user u', 60)).toMatchObject({ isGranted: true });
    isAway = false;
    shared.set('user u', 63);
    clock.advance(2_000);
    expect(await instance.take('user u', 60)).toMatchObject({ isGranted: true });
    expect(draws.at(-1)).toMatchObject([{ used: 60, wanted: 1 }]);
  });

  it('that are silent are waited for a second, and then no more', async () => {
    const silent = createTokenBuckets({ draw: () => new Promise(() => {}), logger, now: clock.now });
    expect(await silent.take('user u', 60)).toMatchObject({ isGranted: true, remaining: 59 });
    expect(silent.take('user u', 60)).toMatchObject({ isGranted: true, remaining: 58 });
  });

  it('take a token back', async () => {
    const instance = newInstance();
    await takeMany(instance, 60, 60);
    instance.putBack('user u');
    expect(await takeMany(instance, 2, 60)).toBe(1);
  });

  it('forget who was silent for longest', async () => {
    const instance = newInstance(2);
    for (const subject of ['a', 'b', 'a', 'c']) await instance.take(subject, 1);
    const asked = draws.length;
    expect(await instance.take('a', 1)).toMatchObject({ isGranted: false });
    expect(draws).toHaveLength(asked);
    expect(await instance.take('b', 1)).toMatchObject({ isGranted: false });
    expect(draws).toHaveLength(asked + 1);
  });

  it.each([1, 200])(
    'never make a second bucket beside one that is still to be drawn for, at %s a minute',
    async (limit) => {
      const instance = newInstance(1);
      const takes = ['first', 'u', 'v', 'u', 'v'].map(async (subject) => instance.take(subject, limit));
      const granted = (await Promise.all(takes)).map(({ isGranted }) => isGranted);
      expect(granted).toEqual(limit === 1 ? [true, true, true, false, false] : Array(5).fill(true));
      clock.advance(1);
      await takeMany(instance, 2, limit);
      for (const batch of draws) expect(new Set(batch.map(({ subject }) => subject)).size).toBe(batch.length);
    },
  );

  it('let calls go on that wait when they close', async () => {
    const instance = newInstance();
    const waiting = instance.take('user u', 60);
    instance.close();
    expect(await waiting).toMatchObject({ isGranted: true });
    expect(await instance.take('user u', 60)).toMatchObject({ isGranted: true });
  });
});
