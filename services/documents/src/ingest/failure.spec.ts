import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from '@jest/globals';
import { EmbedderError } from '@morag/embedder';
import { DomainError, toConnectError } from '@morag/errors';
import { endAfter, endAfterLoss, toFailure } from './failure.ts';

describe('toFailure', () => {
  it.each([
    [new DomainError('UNREADABLE_FILE', 'It is encrypted.'), 'UNREADABLE_FILE', false],
    [new DomainError('NO_TEXT_FOUND', 'It is empty.'), 'NO_TEXT_FOUND', false],
    [new DomainError('EMBEDDING_MISMATCH', 'Another model.'), 'EMBEDDING_MISMATCH', false],
    [toConnectError(new DomainError('DATABASE_NOT_FOUND', 'Gone.')), 'DATABASE_NOT_FOUND', false],
    [toConnectError(new DomainError('DIMENSION_MISMATCH', 'Too long.')), 'DIMENSION_MISMATCH', false],
    [toConnectError(new DomainError('WRITE_NOT_CONFIRMED', 'The server is down.')), 'WRITE_NOT_CONFIRMED', true],
    [toConnectError(new DomainError('OVERLOADED', 'Later.')), 'OVERLOADED', true],
    [new ConnectError('connection refused', Code.Unavailable), 'UNAVAILABLE', true],
    [Object.assign(new Error('late'), { name: 'TimeoutError' }), 'DEADLINE_EXCEEDED', true],
    [new EmbedderError('The endpoint is down.', { retryable: true }), 'EMBEDDER_FAILED', true],
    [new EmbedderError('The key is wrong.', { retryable: false }), 'EMBEDDER_FAILED', false],
    [new TypeError('undefined is not a function'), 'INTERNAL', true],
  ])('%s', (error, reason, retryable) => {
    expect(toFailure(error)).toMatchObject({ reason, retryable });
  });

  it('keeps the words of an unforeseen error to itself', () => {
    expect(toFailure(new Error('password is hunter2')).detail).toBe('internal error');
  });
});

describe('endAfter', () => {
  const down = { reason: 'UNAVAILABLE', detail: 'down', retryable: true } as const;

  it('tries five times with growing pauses, then gives up', () => {
    const ends = [0, 1, 2, 3, 4].map((failed) => endAfter(down, failed));
    expect(ends.map((end) => (end.next === 'defer' ? end.delaySeconds : end.next))).toEqual([1, 4, 16, 60, 'fail']);
  });

  it('gives up at once what cannot get better', () => {
    expect(endAfter({ reason: 'NO_TEXT_FOUND', detail: 'none', retryable: false }, 0)).toMatchObject({ next: 'fail' });
  });

  it('gives up a job that kills its workers', () => {
    expect([8, 9].map((lost) => endAfterLoss(lost).next)).toEqual(['defer', 'fail']);
  });
});
