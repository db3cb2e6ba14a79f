import { OptimisticLockError } from '@mikro-orm/core';
import { DomainError } from '@morag/errors';

/** SQLSTATE classes and codes that mean: PostgreSQL is not there, or not now. */
const UNAVAILABLE_STATES = /^(08...|57P0[1-5]|53[012]00|58...|25006)$/;

/** Codes of sockets and of DNS. */
const UNAVAILABLE_ERRNOS: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** pg reports these without a code. */
const UNAVAILABLE_TEXT =
  /^(Connection terminated|Client has encountered a connection error|timeout expired|Client was closed)/;
const POOL_EXHAUSTED_TEXT = /^timeout exceeded when trying to connect/;

const TOO_MANY_CONNECTIONS = '53300';
const QUERY_CANCELLED = '57014';
const CONFLICTS: ReadonlySet<string> = new Set(['40001', '40P01', '55P03']);

/** How long a caller should wait before it tries again. */
const RETRY_AFTER_MS = 1_000;

/**
 * An error of PostgreSQL, of the connection to it or of the ORM as the reason it means to a caller. Anything else, above
 * all a violated constraint, whose meaning only the store knows, comes back as it is.
 */
export function translatePgError(error: unknown): unknown {
  if (!isErrorLike(error) || error instanceof DomainError) return error;
  if (error instanceof OptimisticLockError) {
    return new DomainError('ETAG_MISMATCH', 'The resource was changed by somebody else; read it again.', {
      cause: error,
    });
  }
  const code = typeof error.code === 'string' ? error.code : '';
  const text = error.message;
  if (POOL_EXHAUSTED_TEXT.test(text) || code === TOO_MANY_CONNECTIONS) {
    return new DomainError('OVERLOADED', 'The service is busy; try again.', {
      retryAfterMs: RETRY_AFTER_MS,
      cause: error,
    });
  }
  if (UNAVAILABLE_STATES.test(code) || UNAVAILABLE_ERRNOS.has(code) || UNAVAILABLE_TEXT.test(text)) {
    return new DomainError('UNAVAILABLE', 'The database is not reachable now; try again.', {
      retryAfterMs: RETRY_AFTER_MS,
      cause: error,
    });
  }
  if (CONFLICTS.has(code)) {
    return new DomainError('CONFLICT', 'Another change was under way; try again.', { cause: error });
  }
  if (code === QUERY_CANCELLED) {
    return new DomainError('DEADLINE_EXCEEDED', 'The database took too long.', { cause: error });
  }
  return error;
}

/** The name of the constraint that a statement violated, if that is what the error says. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!isErrorLike(error) || typeof error.code !== 'string' || typeof error.constraint !== 'string') return undefined;
  return error.code.startsWith('23') ? error.constraint : undefined;
}

/** By shape: an error may come from another realm, and MikroORM copies the driver's members onto its own. */
function isErrorLike(value: unknown): value is { message: string; code?: unknown; constraint?: unknown } {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';
}
