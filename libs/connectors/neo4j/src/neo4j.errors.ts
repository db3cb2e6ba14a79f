import { type Category, ConnectorError, networkError, type Origin } from '@morag/connectors-core';
import { isRetryableError } from 'neo4j-driver';

/** Neo4j's codes, by the longest beginning that is listed. Its GQL status says 50N42 of nearly everything. */
const CATEGORY_OF_CODE: Readonly<Record<string, Category>> = {
  'Neo.ClientError.Security': 'permission_denied',
  'Neo.ClientError.Security.Unauthorized': 'unauthenticated',
  'Neo.ClientError.Security.CredentialsExpired': 'unauthenticated',
  'Neo.ClientError.Security.TokenExpired': 'unauthenticated',
  'Neo.ClientError.Security.AuthenticationRateLimit': 'rate_limited',
  'Neo.ClientError.Database': 'invalid_argument',
  'Neo.ClientError.Database.DatabaseNotFound': 'not_found',
  'Neo.ClientError.General.ForbiddenOnReadOnlyDatabase': 'permission_denied',
  'Neo.ClientError.Cluster.NotALeader': 'unavailable',
  'Neo.ClientError.Procedure.ProcedureNotFound': 'unsupported',
  'Neo.ClientError.Procedure.ProcedureCallFailed': 'internal',
  'Neo.ClientError.Schema.ConstraintValidationFailed': 'already_exists',
  'Neo.ClientError.Schema.IndexNotFound': 'not_found',
  'Neo.ClientError.Schema': 'already_exists',
  'Neo.ClientError.Statement': 'internal',
  'Neo.ClientError.Statement.SyntaxError': 'unsupported',
  'Neo.ClientError.Statement.AccessMode': 'permission_denied',
  'Neo.ClientError.Transaction': 'conflict',
  'Neo.ClientError.Transaction.TransactionTimedOut': 'timeout',
  'Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration': 'timeout',
  'Neo.ClientError.Request': 'protocol',
  'Neo.TransientError': 'unavailable',
  'Neo.TransientError.Request.NoThreadsAvailable': 'rate_limited',
  'Neo.TransientError.Transaction': 'conflict',
  'Neo.DatabaseError': 'internal',
  ServiceUnavailable: 'unavailable',
  SessionExpired: 'unavailable',
  ProtocolError: 'protocol',
};

/** Texts that hold no data: of others Neo4j prints whole vectors, ids and statements. */
const SHOWN = /^Neo\.(?:ClientError\.(?:Security|Database)|TransientError\.(?:General|Database))\./;
/** How long a server refuses every password after three wrong ones (`dbms.security.auth_lock_time`). */
const LOCK_MS = 5_000;

/** Failures that the driver reports without a code, by their text. */
const CODELESS: readonly (readonly [RegExp, Category, string])[] = [
  // What the driver is told to do, and Neo4j before 5.7 cannot.
  [/Please upgrade to Neo4j/, 'unsupported', 'This Neo4j is too old: 5.23 or later is needed.'],
  [/acquisition timed out/, 'timeout', 'No connection became free in time.'],
  [/HTTP/, 'protocol', 'What answers there speaks HTTP; this is the port of the browser, not that of Bolt.'],
  [/Pool is closed|closed session/, 'unavailable', 'The connection was closed.'],
];

/** An error of the driver or of the server as a `ConnectorError`. */
export function neo4jError(error: unknown, origin: Origin, redact: (text: string) => string): ConnectorError {
  const thrown = (error ?? {}) as { code?: unknown; message?: unknown };
  const code = typeof thrown.code === 'string' ? thrown.code : '';
  const message = String(thrown.message ?? '');
  const category = categoryOf(code);
  if (category) {
    const text = SHOWN.test(code) ? redact(message) : textOf(code, category);
    const retryAfterMs = code.endsWith('.AuthenticationRateLimit') ? LOCK_MS : undefined;
    const retryable = isRetryableError(error) || undefined;
    return new ConnectorError(category, origin, text, { vendorCode: code, retryable, retryAfterMs, cause: error });
  }
  const network = networkError(error, origin);
  if (network) return network;
  const known = CODELESS.find(([pattern]) => pattern.test(message));
  if (known) return new ConnectorError(known[1], origin, known[2], { cause: error });
  return new ConnectorError('protocol', origin, 'What answers there does not speak Bolt as Neo4j does.', {
    cause: error,
  });
}

function textOf(code: string, category: Category): string {
  switch (code) {
    case 'ServiceUnavailable':
    case 'SessionExpired':
      return 'The server closed the connection.';
    case 'ProtocolError':
      return 'What answers there does not speak Bolt as Neo4j does.';
    default:
      return `Neo4j says ${code}${category === 'unsupported' ? ': it may be too old' : ''}.`;
  }
}

/** By the longest beginning, cut at dots. */
function categoryOf(code: string): Category | undefined {
  for (let name = code; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    const category = CATEGORY_OF_CODE[name];
    if (category) return category;
  }
  return undefined;
}
