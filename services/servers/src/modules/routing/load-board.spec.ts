import { beforeEach, describe, expect, it } from '@jest/globals';
import { createLoadBoard, LOAD_SETTINGS, type LoadBoard } from './load-board.ts';

let nowMs: number;
let board: LoadBoard;

beforeEach(() => {
  nowMs = 1_000;
  board = createLoadBoard(() => nowMs);
});

function read(placementId: string, tookMs: number, outcome: 'answered' | 'failed' | 'abandoned' = 'answered'): void {
  const attempt = board.begin(placementId);
  nowMs += tookMs;
  attempt.end(outcome);
}

describe('the load board', () => {
  it('rises to a peak at once and forgets it slowly', () => {
    for (let count = 0; count < 50; count++) read('a', 10);
    read('a', 500);
    expect(board.cost('a')).toBe(500);
    read('a', 10);
    expect(board.cost('a')).toBeGreaterThan(450);
    for (let count = 0; count < 5_000; count++) read('a', 10);
    expect(board.cost('a')).toBeLessThan(20);
  });

  it('counts what is under way', () => {
    read('a', 10);
    board.begin('a');
    board.begin('a');
    expect(board.cost('a')).toBeCloseTo(30);
  });

  it('lets the latency of an idle placement fade, so that it is tried again', () => {
    read('a', 500);
    nowMs += 60_000;
    expect(board.cost('a')).toBeLessThan(2);
  });

  it('makes a placement that fails fast no cheaper than one that answers', () => {
    read('fails', 1, 'failed');
    read('answers', 50);
    expect(board.cost('fails')).toBeGreaterThan(board.cost('answers'));
  });

  it('takes what a faster one cut short as a lower bound', () => {
    read('a', 300, 'abandoned');
    expect(board.cost('a')).toBe(300);
  });

  describe('ejection', () => {
    const fail = (times: number): void => {
      for (let count = 0; count < times; count++) read('a', 1, 'failed');
    };

    it('comes after some failures in a row, and not with an answer between them', () => {
      fail(LOAD_SETTINGS.failuresMax - 1);
      read('a', 1);
      fail(LOAD_SETTINGS.failuresMax - 1);
      expect(board.isEjected('a')).toBe(false);
      fail(1);
      expect(board.isEjected('a')).toBe(true);
    });

    it('lets one read at a time find out whether it is over', () => {
      fail(LOAD_SETTINGS.failuresMax);
      nowMs += LOAD_SETTINGS.ejectMs;
      expect(board.isEjected('a')).toBe(false);
      const probe = board.begin('a');
      expect(board.isEjected('a')).toBe(true);
      probe.end('answered');
      expect(board.isEjected('a')).toBe(false);
      board.begin('a');
      expect(board.isEjected('a')).toBe(false);
    });

    it('lasts twice as long each time, up to a bound', () => {
      fail(LOAD_SETTINGS.failuresMax);
      for (let count = 1; count < 20; count++) {
        nowMs += Math.min(LOAD_SETTINGS.ejectMsMax, LOAD_SETTINGS.ejectMs * 2 ** (count - 1));
        expect(board.isEjected('a')).toBe(false);
        fail(1);
        expect(board.isEjected('a')).toBe(true);
      }
    });

    it('comes for a placement that stalls as well', () => {
      for (let count = 0; count < LOAD_SETTINGS.failuresMax; count++) board.begin('a').stalled();
      expect(board.isEjected('a')).toBe(true);
    });
  });

  it('knows what is late: nothing at first, then about one read in twenty', () => {
    for (let count = 0; count < 10; count++) read('a', 10);
    expect(board.p95Ms('a')).toBeUndefined();
    for (let count = 0; count < 5_000; count++) read('a', (count * 37) % 100);
    const late = Array.from({ length: 1_000 }, (_, count) => (count * 37) % 100).filter(
      (ms) => ms > (board.p95Ms('a') ?? 0),
    );
    expect(late.length).toBeGreaterThan(20);
    expect(late.length).toBeLessThan(90);
  });

  it('waits longer for what is slow anyway, within bounds', () => {
    expect(board.stallMs('a')).toBe(LOAD_SETTINGS.stallMsMin);
    read('a', 100);
    expect(board.stallMs('a')).toBe(2_000);
    read('a', 10_000);
    expect(board.stallMs('a')).toBe(LOAD_SETTINGS.stallMsMax);
  });

  it('forgets', () => {
    read('a', 100);
    board.forget(['a']);
    expect(board.cost('a')).toBe(0);
  });
});
