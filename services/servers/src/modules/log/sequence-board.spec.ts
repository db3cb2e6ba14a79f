import { describe, expect, it } from '@jest/globals';
import { createSequenceBoard } from './sequence-board.ts';

const forever = new AbortController().signal;

describe('the board', () => {
  it('only ever goes forward', () => {
    const board = createSequenceBoard();
    for (const sequence of [3, 1, 5, 4]) {
      board.sawHead('d', sequence);
      board.sawApplied('p', { epoch: 1, appliedSequence: sequence });
    }
    expect([board.head('d'), board.applied('p')]).toEqual([5, 5]);
    board.forget('d', ['p']);
    expect([board.head('d'), board.applied('p')]).toEqual([0, 0]);
  });

  it('goes back with a new epoch, and hears nothing of an old one', () => {
    const board = createSequenceBoard();
    const seen = (epoch: number, appliedSequence: number): number => {
      board.sawApplied('p', { epoch, appliedSequence });
      return board.applied('p');
    };
    expect([seen(1, 7), seen(2, 3), seen(1, 8), seen(2, 2), seen(2, 4)]).toEqual([7, 3, 3, 3, 4]);
  });

  it('answers each who waits when what they wait for is applied, and no sooner', async () => {
    const board = createSequenceBoard();
    const done: number[] = [];
    const waits = [2, 1, 3].map(async (sequence) => {
      await board.waitApplied('p', sequence, forever);
      done.push(sequence);
    });
    board.sawApplied('p', { epoch: 1, appliedSequence: 1 });
    await waits[1];
    expect(done).toEqual([1]);
    board.sawApplied('p', { epoch: 1, appliedSequence: 3 });
    await Promise.all(waits);
    expect(board.awaited()).toEqual([]);
    await board.waitApplied('p', 2, forever);
  });

  it('lets go of those who give up', async () => {
    const board = createSequenceBoard();
    const caller = new AbortController();
    const wait = board.waitApplied('p', 1, caller.signal).catch((error: Error) => error.message);
    await board.untilAwaited(forever);
    expect(board.awaited()).toEqual(['p']);
    caller.abort(new Error('gone'));
    expect(await wait).toBe('gone');
    expect(board.awaited()).toEqual([]);
    await expect(board.waitApplied('p', 1, caller.signal)).rejects.toThrow('gone');
  });
});
