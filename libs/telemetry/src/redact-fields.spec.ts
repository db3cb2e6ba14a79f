import { describe, expect, it } from '@jest/globals';
import { createLogger } from './logger.ts';
import { redactFields } from './redaction.ts';

describe('redactFields', () => {
  it('replaces secrets of any type, at any depth and in lists', () => {
    const given = { a: 1, token: { value: 'x' }, list: [{ password: 7, ok: true }], deep: { b: { apiKey: ['k'] } } };
    expect(redactFields(given)).toEqual({
      a: 1,
      token: '[redacted]',
      list: [{ password: '[redacted]', ok: true }],
      deep: { b: { apiKey: '[redacted]' } },
    });
    expect(given.list[0]?.password).toBe(7);
  });

  it('returns what holds no secret as it is', () => {
    const given = { a: { b: [1, { c: 2 }] } };
    expect(redactFields(given)).toBe(given);
  });

  it('ends in an object that holds itself', () => {
    const given: Record<string, unknown> = {};
    given.self = given;
    expect(redactFields(given)).toBe(given);
  });
});

describe('a log line', () => {
  it('holds no secret in fields, in fields of a child, in texts and in errors', () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', service: 's', stream: { write: (line) => void lines.push(line) } });
    const secret = 'hunter2hunter2';
    logger.info({ headers: { authorization: secret } }, 'call');
    logger.child({ credential: secret }).info('call');
    logger.info({ err: new Error(`Bearer ${secret}`) }, `postgres://user:${secret}@host/`);
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toContain(secret);
  });
});
