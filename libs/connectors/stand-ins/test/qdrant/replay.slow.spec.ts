import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type QdrantStandIn, startQdrantStandIn } from '../../src/index.ts';
import { RECORDED, recording, replay } from './replay.ts';

const TIMEOUT_MS = 240_000;
/** A disk is filled: the first exchange, the first write that found it full, and the first exchange after the last. */
const DISK = { from: 1015, full: 1373, to: 1383 };

let standIn: QdrantStandIn;

beforeAll(async () => {
  standIn = await startQdrantStandIn(RECORDED);
});

afterAll(() => standIn.stop());

describe('the stand-in for Qdrant', () => {
  it(
    'answers all that was recorded as the real server did',
    async () => {
      expect(await replay(standIn, 0, DISK.from)).toEqual([]);
      expect(await replay(standIn, DISK.from, DISK.full)).toEqual([]);
      standIn.setFault({ kind: 'diskFull' });
      expect(await replay(standIn, DISK.full, DISK.to)).toEqual([]);
      standIn.setFault(undefined);
      expect(await replay(standIn, DISK.to, recording.length)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
