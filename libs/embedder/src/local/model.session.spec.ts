import { describe, expect, it } from '@jest/globals';
import { pool, truncate } from './model.session.ts';

describe('truncate', () => {
  it('leaves what fits as it is', () => {
    expect(truncate([101, 7, 102], 3)).toEqual([101, 7, 102]);
  });

  it('keeps the closing token of what it cuts', () => {
    expect(truncate([101, 7, 8, 9, 102], 4)).toEqual([101, 7, 8, 102]);
  });
});

describe('pool', () => {
  const states = Float32Array.of(1, 2, 3, 4, 5, 6);

  it('takes the first token for cls', () => {
    expect([...pool(states, 2, 'cls')]).toEqual([1, 2]);
  });

  it('adds all tokens up for mean', () => {
    expect([...pool(states, 2, 'mean')]).toEqual([9, 12]);
  });
});
