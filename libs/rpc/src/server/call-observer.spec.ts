import { Code, ConnectError } from '@connectrpc/connect';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { DomainError, toConnectError } from '@morag/errors';
import { Health } from '@morag/gen/grpc/health/v1/health_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { createLogger, createMetrics } from '@morag/telemetry';
import { type CallObserver, createCallObserver } from './call-observer.ts';
import { describeError } from './describe-error.ts';

let lines: Record<string, unknown>[];
let observer: CallObserver;
let metricsText: () => Promise<string>;

beforeEach(() => {
  lines = [];
  const metrics = createMetrics({ service: 'test' });
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  observer = createCallObserver(createLogger({ level: 'debug', service: 'test', stream }), metrics);
  metricsText = metrics.text;
});

const finish = (error?: unknown, method = ServerService.method.getServer as CallMethod): void => {
  observer.begin();
  observer.end({ method, address: '192.0.2.1', requestId: 'r', principal: undefined, ms: 1.23456, error });
};
type CallMethod = Parameters<CallObserver['end']>[0]['method'];

describe('the line of a call', () => {
  it.each([
    ['a success', undefined, 'info', 'ok'],
    ['a caller’s mistake', new DomainError('SERVER_NOT_FOUND', 'No.'), 'info', 'not_found'],
    ['a part that is away', new DomainError('UNAVAILABLE', 'Away.'), 'warn', 'unavailable'],
    ['a bug', new TypeError('x is undefined'), 'error', 'internal'],
    ['a caller who left', new ConnectError('left', Code.Canceled), 'info', 'canceled'],
  ])('of %s has its level and code', (_, error, level, code) => {
    finish(error);
    expect(lines).toEqual([
      expect.objectContaining({
        level,
        code,
        requestId: 'r',
        ms: 1.235,
        rpc: 'morag.servers.v1.ServerService/GetServer',
      }),
    ]);
  });

  it('of a health check is for debugging', () => {
    finish(undefined, Health.method.check);
    expect(lines[0]?.level).toBe('debug');
  });

  it('of a failure holds the internal detail, the cause and its stack', () => {
    const cause = new Error('connect ECONNREFUSED');
    finish(toConnectError(new DomainError('UNAVAILABLE', 'Away.', { detail: 'select 1', cause })));
    expect(lines[0]).toMatchObject({
      detail: 'select 1',
      failure: { message: 'Away.', cause: { message: 'connect ECONNREFUSED', stack: expect.stringContaining('at ') } },
    });
  });

  it('of a caller’s mistake does not hold what the caller sent', () => {
    finish(new DomainError('INVALID_ARGUMENT', 'password: expected string, got 12345'));
    expect(JSON.stringify(lines)).not.toContain('12345');
  });
});

describe('the metrics', () => {
  it('count calls by code, and those under way', async () => {
    finish();
    finish(new Error('boom'));
    observer.begin();
    const text = await metricsText();
    expect(text).toContain('morag_rpc_server_in_flight{service="test"} 1');
    expect(text).toMatch(/morag_rpc_server_duration_seconds_count{.*code="internal".*} 1/);
  });
});

describe('describeError', () => {
  it('takes nothing but name, text, stack and cause', () => {
    const error = Object.assign(new Error('insert failed'), { parameters: ['secret'], name: 'QueryError' });
    expect(describeError(error)).toEqual({ type: 'QueryError', message: 'insert failed', stack: expect.any(String) });
  });

  it('cuts long texts and chains without an end', () => {
    const error = new Error('x'.repeat(10_000));
    error.cause = error;
    const described = describeError(error);
    expect(described.message).toHaveLength(2_000);
    expect(JSON.stringify(described).length).toBeLessThan(20_000);
  });

  it('describes what is no error', () => {
    expect(describeError('text')).toEqual({ type: 'string', message: 'text' });
    expect(describeError(undefined)).toEqual({ type: 'undefined', message: 'undefined' });
  });
});
