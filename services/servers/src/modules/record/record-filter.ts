import { type Filter, FilterError, parseFilter } from '@morag/connectors-core';
import { DomainError } from '@morag/errors';

/** The filter in a request's JSON form; INVALID_FILTER names the place, as in `filter.and[1].value`. */
export function readFilter(json: unknown): Filter {
  try {
    return parseFilter(json);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const field = error.path === '' ? 'filter' : `filter.${error.path}`;
    throw new DomainError('INVALID_FILTER', `The filter is not valid: ${error.message}.`, {
      violations: [{ field, description: error.message }],
      cause: error,
    });
  }
}
