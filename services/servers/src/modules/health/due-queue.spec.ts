import { expect, it } from '@jest/globals';
import { createDueQueue } from './due-queue.ts';

it('gives each id once, not before its time, and the newest time counts', () => {
  const queue = createDueQueue(10, 1_000);
  queue.schedule('a', 1_005);
  queue.schedule('b', 1_500);
  queue.schedule('b', 1_020);
  queue.schedule('c', 5_000);
  queue.schedule('gone', 1_020);
  queue.remove('gone');
  expect(queue.takeDue(1_004)).toEqual([]);
  expect(queue.takeDue(1_010)).toEqual(['a']);
  expect(queue.takeDue(1_600)).toEqual(['b']);
  // What is late already is due in the next step.
  queue.schedule('d', 10);
  expect(queue.takeDue(1_610)).toEqual(['d']);
  expect(queue.takeDue(9_000)).toEqual(['c']);
  expect(queue.takeDue(9_000)).toEqual([]);
});
