import { describe, expect, it } from '@jest/globals';
import { hasEnded, JOB_STATUSES, type JobEvent, nextJobStatus } from './job.state.ts';

/** Every pair of status and event that leads somewhere; all others are refused. */
const ALLOWED: readonly (readonly [string, JobEvent, string])[] = [
  ['PENDING', 'lease', 'PROCESSING'],
  ['PROCESSING', 'finish', 'FINISHED'],
  ['PROCESSING', 'fail', 'FAILED'],
  ['PROCESSING', 'defer', 'PENDING'],
  ['PENDING', 'cancel', 'CANCELLED'],
  ['WAITING_FOR_REMOTE_WORKER', 'cancel', 'CANCELLED'],
  ['PROCESSING', 'cancel', 'CANCELLED'],
  ['CANCELLED', 'cancel', 'CANCELLED'],
  ['FAILED', 'retry', 'PENDING'],
  ['CANCELLED', 'retry', 'PENDING'],
];
const EVENTS: readonly JobEvent[] = ['lease', 'finish', 'fail', 'defer', 'cancel', 'retry'];
const MATRIX = JOB_STATUSES.flatMap((status) => EVENTS.map((event) => ({ status, event })));

describe('job statuses', () => {
  it.each(MATRIX)('$status on $event', ({ status, event }) => {
    const to = ALLOWED.find(([from, on]) => from === status && on === event)?.[2];
    let outcome: unknown;
    try {
      outcome = nextJobStatus(status, event);
    } catch (error) {
      outcome = (error as { reason: string }).reason;
    }
    expect(outcome).toBe(to ?? 'INVALID_JOB_STATUS');
  });

  it('ends with the last three', () => {
    expect(JOB_STATUSES.filter(hasEnded)).toEqual(['FINISHED', 'FAILED', 'CANCELLED']);
  });
});
