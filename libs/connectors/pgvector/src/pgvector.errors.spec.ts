import { describe, expect, it } from '@jest/globals';
import { pgvectorError } from './pgvector.errors.ts';

const ORIGIN = { vendor: 'pgvector', operation: 'query' } as const;
const translate = (error: object) => pgvectorError(error, ORIGIN, (text) => text);

describe('pgvectorError', () => {
  it.each([
    ['28P01', 'unauthenticated'],
    ['42501', 'permission_denied'],
    ['3D000', 'not_found'],
    ['42P01', 'not_found'],
    ['42P07', 'already_exists'],
    ['22000', 'invalid_argument'],
    ['54000', 'invalid_argument'],
    ['57014', 'timeout'],
    ['53300', 'rate_limited'],
    ['53100', 'unavailable'],
    ['57P03', 'unavailable'],
    ['40001', 'conflict'],
    ['XX000', 'internal'],
  ])('reads %s as %s', (code, category) => {
    expect(translate({ code, severity: 'ERROR', message: 'text' })).toMatchObject({ category, vendorCode: code });
  });

  it.each([
    ['timeout expired', 'timeout'],
    ['Connection terminated unexpectedly', 'unavailable'],
    ['SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string', 'unauthenticated'],
    ['something else', 'internal'],
  ])('reads %j, which has no code', (message, category) => {
    expect(translate({ message })).toMatchObject({ category });
  });

  it('reads what the socket says', () => {
    expect(translate(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toMatchObject({
      category: 'unavailable',
    });
    expect(translate({ message: 'The server does not support SSL connections' })).toMatchObject({ retryable: false });
  });

  it('repeats what was lost to another transaction', () => {
    expect(translate({ code: '40P01', severity: 'ERROR', message: 'deadlock' }).retryable).toBe(true);
  });
});
