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
  expect(queue.takeDue(1_004, 10)).toEqual([]);
  expect(queue.takeDue(1_010, 10)).toEqual(['a']);
  expect(queue.takeDue(1_600, 10)).toEqual(['b']);
  // What is late already is due in the next step.
  queue.schedule('d', 10);
  expect(queue.takeDue(1_610, 10)).toEqual(['d']);
  expect(queue.takeDue(9_000, 10)).toEqual(['c']);
  expect(queue.takeDue(9_000, 10)).toEqual([]);
});

it('keeps what is too much at once, the oldest first', () => {
  const queue = createDueQueue(10, 0);
  for (const id of ['a', 'b', 'c']) queue.schedule(id, 10);
  queue.schedule('d', 20);
  expect(queue.takeDue(30, 2)).toEqual(['a', 'b']);
  queue.schedule('e', 30);
  expect(queue.takeDue(30, 0)).toEqual([]);
  queue.remove('c');
  expect(queue.takeDue(30, 2)).toEqual(['d', 'e']);
});
