import { describe, expect, it } from '@jest/globals';
import { uuidv7 } from './uuid.ts';

describe('uuidv7', () => {
  it('is a UUID of version 7 and variant 10, beginning with the time', () => {
    const before = Date.now();
    const id = uuidv7();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const time = Number.parseInt(id.slice(0, 13).replace('-', ''), 16);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(Date.now());
  });

  it('does not repeat', () => {
    expect(new Set(Array.from({ length: 10_000 }, uuidv7)).size).toBe(10_000);
  });
});
