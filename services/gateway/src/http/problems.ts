import { ConnectError } from '@connectrpc/connect';
import { httpStatusOf, type Problem, retryAfterSeconds, toConnectError, toProblem } from '@morag/errors';
import { rateLimitOf } from './rate-limit.ts';

/** An error as it is answered. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly problem: Problem;
}

/** The media type of RFC 9457. */
export const PROBLEM_TYPE = 'application/problem+json';

/** Any thrown value as status, headers and problem. */
export function toAnswer(error: unknown, requestId: string): ProblemAnswer {
  const known = toConnectError(error);
  const problem = toProblem(known, requestId);
  const status = httpStatusOf(known);
  const headers: Record<string, string> = {
    ...(error instanceof ConnectError && rateLimitOf(error.metadata)),
    'content-type': PROBLEM_TYPE,
  };
  const retryAfter = retryAfterSeconds(known);
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter);
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (status === 405 && problem.metadata?.allow !== undefined) headers.allow = problem.metadata.allow;
  return { status, headers, problem };
}
