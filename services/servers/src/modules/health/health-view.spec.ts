import { describe, expect, it } from '@jest/globals';
import { createHealthBoard } from './health-view.ts';

function createBoard() {
  const clock = { ms: 1_000 };
  const board = createHealthBoard({ now: () => clock.ms });
  const news: string[] = [];
  board.onChange((serverId, status) => news.push(`${serverId} ${status}`));
  board.onSuspect((serverId) => news.push(`${serverId}?`));
  board.onAnswer((serverId) => news.push(`${serverId}!`));
  return { board, clock, news };
}

describe('the view of servers health', () => {
  it('knows nothing of a server at first, and tells each change once', () => {
    const { board, news } = createBoard();
    expect(board.statusOf('a')).toBe('UNKNOWN');
    board.set('a', 'HEALTHY');
    board.set('a', 'HEALTHY');
    expect(board.statusOf('a')).toBe('HEALTHY');
    board.forget('a');
    expect(board.statusOf('a')).toBe('UNKNOWN');
    expect(news).toEqual(['a HEALTHY']);
  });

  it('suspects a server from its first failure on, and says so once', () => {
    const { board, news } = createBoard();
    board.report('a', { ok: false, category: 'unavailable', latencyMs: 1 });
    board.report('a', { ok: false, category: 'timeout', latencyMs: 1 });
    expect(board.isSuspect('a')).toBe(true);
    expect(board.isSuspect('b')).toBe(false);
    expect(news).toEqual(['a?']);
    board.setSuspect('a', false);
    expect(board.isSuspect('a')).toBe(false);
  });

  it.each([
    'invalid_argument',
    'unsupported',
    'payload_too_large',
    'not_found',
    'already_exists',
    'conflict',
    'cancelled',
    'rate_limited',
    'host_denied',
  ] as const)('does not suspect a server for an error of the caller: %s', (category) => {
    const { board, news } = createBoard();
    board.report('a', { ok: false, category, latencyMs: 1 });
    expect(board.isSuspect('a')).toBe(false);
    expect(news).toEqual([]);
  });

  it('lets an answer clear a suspicion only when it was asked for after the failure', () => {
    const { board, clock } = createBoard();
    board.report('a', { ok: false, category: 'unavailable', latencyMs: 1 });
    clock.ms += 100;
    board.report('a', { ok: true, latencyMs: 500 });
    expect(board.isSuspect('a')).toBe(true);
    board.report('a', { ok: true, latencyMs: 10 });
    expect(board.isSuspect('a')).toBe(false);
  });

  it('forgets a suspicion that nobody looked into', () => {
    const { board, clock } = createBoard();
    board.report('a', { ok: false, category: 'timeout', latencyMs: 1 });
    clock.ms += 10_000;
    expect(board.isSuspect('a')).toBe(false);
  });
});
