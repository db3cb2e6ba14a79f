import { describe, expect, it } from '@jest/globals';
import { createRedactor } from '@morag/connectors-core';
import neo4j from 'neo4j-driver';
import { neo4jError } from './neo4j.errors.ts';

const origin = { vendor: 'neo4j', operation: 'query' } as const;
const translate = (code: string, message = 'says [0.123] of s3cret') =>
  neo4jError(new neo4j.Neo4jError(message, code, '50N42', 'error'), origin, createRedactor(['s3cret']));

describe('neo4jError', () => {
  it.each([
    ['Neo.ClientError.Security.Unauthorized', 'unauthenticated', false],
    ['Neo.ClientError.Security.Forbidden', 'permission_denied', false],
    ['Neo.ClientError.Security.AuthenticationRateLimit', 'rate_limited', true],
    ['Neo.ClientError.Database.DatabaseNotFound', 'not_found', false],
    ['Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration', 'timeout', true],
    ['Neo.ClientError.Schema.ConstraintValidationFailed', 'already_exists', false],
    ['Neo.ClientError.Procedure.ProcedureCallFailed', 'internal', false],
    ['Neo.TransientError.Transaction.DeadlockDetected', 'conflict', true],
    ['Neo.TransientError.Database.DatabaseUnavailable', 'unavailable', true],
    ['Neo.DatabaseError.Statement.ExecutionFailed', 'internal', false],
    ['ServiceUnavailable', 'unavailable', true],
  ])('takes %s for %s', (code, category, retryable) => {
    expect(translate(code)).toMatchObject({ category, retryable, vendorCode: code });
  });

  it('shows the texts of few errors, and no secret in them', () => {
    expect(translate('Neo.ClientError.Procedure.ProcedureCallFailed').message).not.toContain('0.123');
    expect(translate('Neo.DatabaseError.Statement.ExecutionFailed').message).not.toContain('0.123');
    expect(translate('Neo.ClientError.Security.Forbidden').message).toBe('says [0.123] of [redacted]');
  });
});
