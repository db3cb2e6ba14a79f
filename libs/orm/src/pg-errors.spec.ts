import { describe, expect, it } from '@jest/globals';
import { DomainError } from '@morag/errors';
import { etagOf, requireEtag } from './etag.ts';
import { translatePgError, violatedConstraint } from './pg-errors.ts';

const errorOf = (members: { code?: string; message?: string; constraint?: string }): Error =>
  Object.assign(new Error(members.message ?? 'text'), members);

describe('an error of PostgreSQL', () => {
  it.each([
    [{ code: '57P01' }, 'UNAVAILABLE'],
    [{ code: '57P03' }, 'UNAVAILABLE'],
    [{ code: '08006' }, 'UNAVAILABLE'],
    [{ code: '53100' }, 'UNAVAILABLE'],
    [{ code: 'ECONNREFUSED' }, 'UNAVAILABLE'],
    [{ message: 'Connection terminated unexpectedly' }, 'UNAVAILABLE'],
    [{ message: 'Connection terminated due to connection timeout' }, 'UNAVAILABLE'],
    [{ message: 'timeout exceeded when trying to connect' }, 'OVERLOADED'],
    [{ code: '53300' }, 'OVERLOADED'],
    [{ code: '40001' }, 'CONFLICT'],
    [{ code: '40P01' }, 'CONFLICT'],
    [{ code: '57014' }, 'DEADLINE_EXCEEDED'],
  ])('%j means %s', (members, reason) => {
    const error = errorOf(members);
    const translated = translatePgError(error);
    expect(translated).toMatchObject({ reason, cause: error });
    expect((translated as Error).message).not.toContain(error.message);
  });

  it.each([{ code: '23505' }, { code: '42P01' }, { code: '22P02' }, { message: 'some bug' }])(
    '%j stays what it is',
    (members) => {
      const error = errorOf(members);
      expect(translatePgError(error)).toBe(error);
    },
  );

  it('that was translated already, or is no error, stays what it is', () => {
    const domain = new DomainError('SERVER_EXISTS', 'x');
    for (const value of [domain, undefined, null, 'text', 7, { code: '57P01' }])
      expect(translatePgError(value)).toBe(value);
  });

  it('names the constraint that was violated, and only such', () => {
    expect(violatedConstraint(errorOf({ code: '23505', constraint: 'users_email_unique' }))).toBe('users_email_unique');
    expect(violatedConstraint(errorOf({ code: '57P01', constraint: 'x' }))).toBeUndefined();
    expect(violatedConstraint(errorOf({ code: '23502' }))).toBeUndefined();
    expect(violatedConstraint(undefined)).toBeUndefined();
  });
});

describe('an etag', () => {
  it('is the version of the row', () => {
    expect(etagOf({ version: 7 })).toBe('"7"');
    for (const etag of ['"7"', 'W/"7"', '*', '', undefined]) requireEtag({ version: 7 }, etag);
  });

  it.each(['"6"', '7', '"7', 'x'])('%s is refused when the row is at 7', (etag) => {
    expect(() => requireEtag({ version: 7 }, etag)).toThrow(expect.objectContaining({ reason: 'ETAG_MISMATCH' }));
  });
});
