import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLifelines, type Lifelines } from './lifelines.ts';

/** Lines that a test ends, and a clock that it sets. */
let ends: Map<string, () => void>;
let opened: string[];
let closed: string[];
let broken: string[];
let nowMs: number;
let refusal: Error | undefined;
let lifelines: Lifelines;

beforeEach(() => {
  [ends, opened, closed, broken, nowMs, refusal] = [new Map(), [], [], [], 0, undefined];
  lifelines = createLifelines({
    async open(serverId, onEnd) {
      if (refusal) throw refusal;
      opened.push(serverId);
      ends.set(serverId, onEnd);
      return { close: () => void closed.push(serverId) };
    },
    onBroken: (serverId) => broken.push(serverId),
    now: () => nowMs,
    linesMax: 2,
  });
});

afterEach(() => lifelines.stop());

/** What was begun has come to its end. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

async function keep(serverId: string): Promise<void> {
  lifelines.keep(serverId);
  await settled();
}

async function endAfter(ms: number): Promise<void> {
  nowMs += ms;
  ends.get('a')?.();
  await settled();
}

describe('a line', () => {
  it('is one, however often its server answers', async () => {
    await keep('a');
    await keep('a');
    expect(opened).toEqual(['a']);
  });

  it('that breaks is told, and there is another one when the server answers again', async () => {
    await keep('a');
    await endAfter(5_000);
    expect(broken).toEqual(['a']);
    await keep('a');
    expect(opened).toEqual(['a', 'a']);
  });

  it('that cannot be opened is nobody’s news, and is tried again at the next answer', async () => {
    refusal = new Error('connect ECONNREFUSED');
    await keep('a');
    refusal = undefined;
    await keep('a');
    expect({ opened, broken }).toEqual({ opened: ['a'], broken: [] });
  });

  it('that is closed at once, again and again, is no reason to look', async () => {
    for (let life = 0; life < 4; life++) {
      await keep('a');
      await endAfter(10);
    }
    expect(broken).toEqual(['a', 'a']);
    await keep('a');
    await endAfter(5_000);
    expect(broken).toEqual(['a', 'a', 'a']);
  });

  it('that is dropped is closed, and its end is not told', async () => {
    await keep('a');
    lifelines.drop('a');
    await endAfter(5_000);
    expect({ closed, broken }).toEqual({ closed: ['a'], broken: [] });
  });

  it('that was dropped while it was opened is closed', async () => {
    lifelines.keep('a');
    lifelines.drop('a');
    await settled();
    expect(closed).toEqual(['a']);
  });
});

it('keeps no more lines than it may, and none once it is stopped', async () => {
  for (const serverId of ['a', 'b', 'c']) await keep(serverId);
  expect(opened).toEqual(['a', 'b']);
  lifelines.stop();
  await keep('c');
  expect({ opened, closed }).toEqual({ opened: ['a', 'b'], closed: ['a', 'b'] });
});
