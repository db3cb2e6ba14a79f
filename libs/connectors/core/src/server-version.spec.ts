import { describe, expect, it } from '@jest/globals';
import { isAtLeast } from './server-version.ts';

describe('isAtLeast', () => {
  it.each([
    ['5.23.0', true],
    ['5.23', true],
    ['5.100', true],
    ['2025.01.0', true],
    ['5.23-aura', true],
    ['5.22.9', false],
    ['4.99', false],
    ['5', false],
    ['new', false],
  ])('%s: %s for 5.23', (version, is) => {
    expect(isAtLeast(version, [5, 23])).toBe(is);
  });
});
