import { DomainError } from '@morag/errors';

/** The `etag` of a row, as the API shows it. */
export function etagOf(row: { readonly version: number }): string {
  return `"${row.version}"`;
}

/** Throws ETAG_MISMATCH if the caller has seen another version of the row; an empty `etag` asks for no check. */
export function requireEtag(row: { readonly version: number }, etag: string | undefined): void {
  if (!etag || etag === '*') return;
  // `If-Match` may come through a proxy that made it weak; a version is the same either way.
  if (etag.replace(/^W\//, '') !== etagOf(row)) {
    throw new DomainError('ETAG_MISMATCH', 'The resource was changed by somebody else; read it again.');
  }
}
