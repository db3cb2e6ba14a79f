import { expect, it } from '@jest/globals';
import { createInstance } from './instance.ts';

it('an instance knows which others are certainly dead', () => {
  const running = new Set([1, 2]);
  const instance = createInstance('machine', (pid) => running.has(pid));
  expect(instance.id).toMatch(new RegExp(`^machine\\.${process.pid}\\.[0-9a-f-]{36}$`));
  expect(instance.isDead('machine.1.x')).toBe(false);
  expect(instance.isDead('machine.3.x')).toBe(true);
  expect(instance.isDead('elsewhere.3.x')).toBe(false);
  expect(instance.isDead('')).toBe(false);
});

it('an instance is at home on this machine, alive and short enough for its column', () => {
  const { id, isDead } = createInstance();
  expect(isDead(id)).toBe(false);
  expect(id.length).toBeLessThanOrEqual(64);
  expect(createInstance().id).not.toBe(id);
});
