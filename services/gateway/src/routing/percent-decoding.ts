import { DomainError } from '@morag/errors';

/** Decodes one segment of a path, once. An encoded slash or colon becomes part of the value and never separates. */
export function decodeSegment(raw: string): string {
  if (!raw.includes('%')) return raw;
  try {
    return decodeURIComponent(raw);
  } catch (cause) {
    throw malformed('path', cause);
  }
}

/**
 * Decodes the segments of a variable that spans several. As `google/api/http.proto` has it, an encoded slash stays encoded:
 * else it could not be told from one that separates.
 */
export function decodeSegments(raw: readonly string[]): string {
  return raw.map((segment) => decodeSegment(segment.replaceAll(/%2f/gi, (slash) => `%25${slash.slice(1)}`))).join('/');
}

/** Decodes a name or value of a query, where `+` is a space. */
export function decodeQueryPart(raw: string): string {
  const spaced = raw.includes('+') ? raw.replaceAll('+', ' ') : raw;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch (cause) {
    throw malformed('query', cause);
  }
}

function malformed(where: string, cause: unknown): DomainError {
  const description = 'A percent-encoding is not complete, or not UTF-8.';
  return new DomainError('INVALID_ARGUMENT', `The ${where} of the URL is not valid. ${description}`, { cause });
}
