import type { ServerResponse } from 'node:http';
import { DomainError } from '@morag/errors';

/** Lets a request in until its response is closed, or throws OVERLOADED. */
export type Admission = (response: ServerResponse) => void;

/** Bounds the requests under way, streams included, so that a flood costs refusals instead of memory. */
export function createAdmission(requestsMax: number): Admission {
  let underWay = 0;
  return (response) => {
    if (underWay >= requestsMax) {
      throw new DomainError('OVERLOADED', 'Too many requests are under way.', { retryAfterMs: 1_000 });
    }
    underWay += 1;
    response.once('close', () => {
      underWay -= 1;
    });
  };
}
