import { DomainError } from '@morag/errors';

const METADATA_BYTES_MAX = 16 * 1024;

/** A document's name: a label for people, never a path. INVALID_ARGUMENT when it cannot be one. */
export function requireName(name: string, field: string): void {
  if (name === '') throw invalid(field, 'is required');
  if ([...name].length > 255) throw invalid(field, 'is longer than 255 characters');
  // Would be unreadable wherever the name is shown; NUL cannot even be stored.
  if (/\p{Cc}/u.test(name) || !name.isWellFormed()) throw invalid(field, 'holds control characters');
}

/** A document's metadata as they are kept. INVALID_ARGUMENT when they are too large or hold text that cannot be stored. */
export function requireMetadata(metadata: Record<string, unknown>, field: string): Record<string, unknown> {
  const json = JSON.stringify(metadata);
  if (Buffer.byteLength(json) > METADATA_BYTES_MAX) throw invalid(field, `is larger than ${METADATA_BYTES_MAX} bytes`);
  // JSON.stringify writes NUL and lone surrogates, and only those of the characters that JSON must escape, like this.
  if (/(?<!\\)(\\\\)*\\u(0000|d[89a-f])/.test(json)) throw invalid(field, 'holds characters that are no text');
  return metadata;
}

function invalid(field: string, description: string): DomainError {
  return new DomainError('INVALID_ARGUMENT', `${field} ${description}.`, { violations: [{ field, description }] });
}
