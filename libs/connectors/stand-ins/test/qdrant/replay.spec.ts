import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type QdrantStandIn, startQdrantStandIn } from '../../src/index.ts';
import { LEFT_OUT } from './left-out.ts';
import { RECORDED, recording, replay } from './replay.ts';

const TIMEOUT_MS = 120_000;
/** What comes after takes its time: `replay.slow.spec.ts` goes on to the end. */
const SMALL = 566;

let standIn: QdrantStandIn;

beforeAll(async () => {
  standIn = await startQdrantStandIn(RECORDED);
});

afterAll(() => standIn.stop());

describe('the stand-in for Qdrant', () => {
  it(
    'answers the first part of what was recorded as the real server did',
    async () => {
      expect(await replay(standIn, 0, SMALL)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it('leaves out little of 1,526 exchanges, and says why', () => {
    expect(recording).toHaveLength(1_526);
    expect(LEFT_OUT.reduce((sum, { from, to = from }) => sum + to - from + 1, 0)).toBeLessThan(45);
    for (const { why } of LEFT_OUT) expect(why).not.toBe('');
  });
});
