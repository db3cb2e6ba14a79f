import { create } from '@bufbuild/protobuf';
import { createValidator, violationsToProto } from '@bufbuild/protovalidate';
import { Code, ConnectError } from '@connectrpc/connect';
import { errorFromJson, errorToJson } from '@connectrpc/connect/protocol-connect';
import { describe, expect, it } from '@jest/globals';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { UpsertRecordsRequestSchema } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { CreateServerRequestSchema } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { reasonOf, toConnectError } from './connect-error.ts';
import { DomainError } from './domain-error.ts';
import { retryAfterSeconds, toProblem, violationsOf } from './problem.ts';

/** The error as another process receives it. */
function overTheWire(error: ConnectError): ConnectError {
  return errorFromJson(errorToJson(error, undefined), new Headers({ 'x-other': '1' }), new ConnectError('fallback'));
}

describe('toConnectError of a DomainError', () => {
  const error = toConnectError(
    new DomainError('SERVER_EXISTS', 'A server "a" exists.', {
      metadata: { server: 'a' },
      violations: [{ field: 'server.name', description: 'is taken' }],
      retryAfterMs: 1_500,
      detail: 'duplicate key value violates unique constraint',
      cause: new Error('driver says secret'),
    }),
  );

  it('carries code, text, reason, fields and delay', () => {
    expect(error.code).toBe(Code.AlreadyExists);
    expect(error.rawMessage).toBe('A server "a" exists.');
    expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({
      reason: 'SERVER_EXISTS',
      domain: 'morag',
      metadata: { server: 'a' },
    });
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]).toMatchObject({ field: 'server.name' });
    expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay).toMatchObject({ seconds: 1n, nanos: 500_000_000 });
    expect(retryAfterSeconds(error)).toBe(2);
  });

  it('sends neither the internal detail nor the cause', () => {
    expect(JSON.stringify(errorToJson(error, undefined))).not.toMatch(/duplicate|secret/);
  });

  it('is the same error when it comes back', () => {
    expect(toConnectError(error)).toBe(error);
  });
});

describe('toConnectError of an error of another service', () => {
  const sent = toConnectError(new DomainError('EMAIL_EXISTS', 'Taken.', { metadata: { email: 'a@b' } }));
  const relayed = toConnectError(overTheWire(sent));

  it('keeps code, text and reason, and drops the other answer’s headers', () => {
    expect(relayed.code).toBe(Code.AlreadyExists);
    expect(relayed.rawMessage).toBe('Taken.');
    expect(reasonOf(relayed)).toBe('EMAIL_EXISTS');
    expect(relayed.isWireError).toBe(false);
    expect([...relayed.metadata]).toEqual([]);
  });

  it('survives another hop', () => {
    expect(toProblem(toConnectError(overTheWire(relayed)), 'r')).toMatchObject({
      type: 'urn:morag:error:EMAIL_EXISTS',
      status: 409,
      metadata: { email: 'a@b' },
    });
  });

  it('takes a reason of a foreign domain for no reason', () => {
    const foreign = new ConnectError('x', Code.NotFound, undefined, [
      { desc: ErrorInfoSchema, value: { reason: 'EMAIL_EXISTS', domain: 'example.com' } },
    ]);
    expect(reasonOf(foreign)).toBeUndefined();
  });
});

describe('toConnectError of anything else', () => {
  it.each([
    ['a bug', new TypeError('x.y is undefined at secret'), 'INTERNAL', Code.Internal],
    ['a thrown text', 'secret', 'INTERNAL', Code.Internal],
    ['a timeout', new DOMException('secret', 'TimeoutError'), 'DEADLINE_EXCEEDED', Code.DeadlineExceeded],
    ['an abort', new DOMException('secret', 'AbortError'), 'CANCELLED', Code.Canceled],
    ['a failed connection', new ConnectError('connect ECONNREFUSED secret', Code.Unavailable), 'UNAVAILABLE', 14],
    ['an unclassified error', new ConnectError('secret', Code.Unknown), 'INTERNAL', Code.Internal],
  ] as const)('%s has a reason and no words of its own', (_, thrown, reason, code) => {
    const error = toConnectError(thrown);
    expect(reasonOf(error)).toBe(reason);
    expect(error.code).toBe(code);
    expect(error.rawMessage).not.toContain('secret');
    expect(error.cause).toMatchObject({ cause: thrown });
  });

  it('the library’s own limit on messages is BODY_TOO_LARGE', () => {
    expect(reasonOf(toConnectError(new ConnectError('too big', Code.ResourceExhausted)))).toBe('BODY_TOO_LARGE');
  });
});

describe('violations', () => {
  const validator = createValidator();

  it('of protovalidate become fields by JSON name', () => {
    const message = create(CreateServerRequestSchema, {
      server: { name: 'n', port: 65_536 },
      requestId: 'x'.repeat(65),
    });
    const error = toConnectError(validator.validate(CreateServerRequestSchema, message).error);
    expect(reasonOf(error)).toBe('INVALID_ARGUMENT');
    expect(violationsOf(error).map(({ field }) => field)).toEqual(expect.arrayContaining(['server.port', 'requestId']));
    expect(error.rawMessage).toMatch(/^server\.\w+: .+ \(and \d+ more\)$/);
  });

  it('name the item of a list', () => {
    const message = create(UpsertRecordsRequestSchema, {
      databaseId: '01a2041e-6848-74e1-a04e-a6659e40ca01',
      records: [{ id: 'a', vector: [1] }, { id: '' }],
    });
    const error = toConnectError(validator.validate(UpsertRecordsRequestSchema, message).error);
    expect(violationsOf(error).map(({ field }) => field)).toContain('records[1].id');
  });

  it('are read from protovalidate’s own detail as well', () => {
    const message = create(UpsertRecordsRequestSchema, { records: [{ id: '' }] });
    const { violations = [] } = validator.validate(UpsertRecordsRequestSchema, message);
    const [value, desc] = violationsToProto(violations);
    const error = new ConnectError('invalid', Code.InvalidArgument, undefined, [{ desc, value }]);
    const viaDomain = toConnectError(validator.validate(UpsertRecordsRequestSchema, message).error);
    expect(violationsOf(overTheWire(error))).toEqual(violationsOf(viaDomain));
  });
});
