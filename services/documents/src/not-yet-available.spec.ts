import { describe, expect, it } from '@jest/globals';
import { workerHandlers } from './not-yet-available.ts';

describe('methods that are not available yet', () => {
  it('are these', () => {
    expect(Object.keys(workerHandlers)).toEqual(['leaseJob', 'heartbeatJob', 'completeJob', 'failJob']);
  });
});
