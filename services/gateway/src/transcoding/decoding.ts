import type { DescField, JsonValue } from '@bufbuild/protobuf';
import { DomainError, type Violation } from '@morag/errors';

/** What goes on while one request is read: all that is wrong with it, up to a bound. */
export interface Decoding {
  readonly violations: Violation[];
}

/** Reads a JSON value into the form that protobuf-es keeps; INVALID when it has been reported. */
export type JsonReader = (json: JsonValue, at: string, decoding: Decoding) => unknown;

const VIOLATIONS_MAX = 20;

/** Notes that a field is wrong. */
export function report({ violations }: Decoding, field: string, description: string): void {
  if (violations.length < VIOLATIONS_MAX) violations.push({ field, description });
}

/** Throws INVALID_ARGUMENT if anything has been reported. */
export function requireValid({ violations }: Decoding): void {
  const [first] = violations;
  if (first === undefined) return;
  const more = violations.length === 1 ? '' : ` (and ${violations.length - 1} more)`;
  const text = first.field === '' ? `The body ${first.description}` : `${first.field} ${first.description}`;
  throw new DomainError('INVALID_ARGUMENT', `${text}${more}.`, { violations });
}

/** Appends a field's JSON name to the path of its message. */
export function pathOf(at: string, { jsonName }: DescField): string {
  return at === '' ? jsonName : `${at}.${jsonName}`;
}
