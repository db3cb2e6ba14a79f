import { Code } from '@connectrpc/connect';

interface CodeEntry {
  readonly http: number;
  readonly title: string;
}

/** Code → HTTP status and the `title` of a problem. Closed over all 16 codes; a missing one does not compile. */
const CODES: Readonly<Record<Code, CodeEntry>> = {
  [Code.Canceled]: { http: 499, title: 'Cancelled' },
  [Code.Unknown]: { http: 500, title: 'Unknown error' },
  [Code.InvalidArgument]: { http: 400, title: 'Invalid argument' },
  [Code.DeadlineExceeded]: { http: 504, title: 'Deadline exceeded' },
  [Code.NotFound]: { http: 404, title: 'Not found' },
  [Code.AlreadyExists]: { http: 409, title: 'Already exists' },
  [Code.PermissionDenied]: { http: 403, title: 'Permission denied' },
  [Code.ResourceExhausted]: { http: 429, title: 'Resource exhausted' },
  [Code.FailedPrecondition]: { http: 400, title: 'Failed precondition' },
  [Code.Aborted]: { http: 409, title: 'Aborted' },
  [Code.OutOfRange]: { http: 400, title: 'Out of range' },
  [Code.Unimplemented]: { http: 501, title: 'Unimplemented' },
  [Code.Internal]: { http: 500, title: 'Internal error' },
  [Code.Unavailable]: { http: 503, title: 'Unavailable' },
  [Code.DataLoss]: { http: 500, title: 'Data loss' },
  [Code.Unauthenticated]: { http: 401, title: 'Unauthenticated' },
};

/** HTTP status of a code. A reason may have its own (`httpStatusOf`). */
export function httpStatus(code: Code): number {
  return CODES[code].http;
}

/** Short text of a code for people, the same for every error of that code. */
export function titleOf(code: Code): string {
  return CODES[code].title;
}
