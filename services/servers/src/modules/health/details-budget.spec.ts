import { expect, it } from '@jest/globals';
import { createBudget } from './details-budget.ts';

it('allows so many a second, however long nothing was asked for', () => {
  let atMs = 0;
  const budget = createBudget(() => atMs, 5);
  const taken = (): number => Array.from({ length: 20 }, budget).filter(Boolean).length;
  expect(taken()).toBe(5);
  expect(taken()).toBe(0);
  atMs += 200;
  expect(taken()).toBe(1);
  atMs += 60_000;
  expect(taken()).toBe(5);
});
