import { createHash } from 'node:crypto';
import { isPlainText } from './metadata.ts';

/** UTF-8 bytes. */
export const COLLECTION_NAME_BYTES_MAX = 255;

/** What a vendor takes as a collection's name. */
export interface NameRules {
  /** Names that may be used as they are. Has to be case-sensitive only if the vendor is. */
  readonly plain: RegExp;
  /** Starts every made name; a plain name must not start with it. */
  readonly prefix: string;
  /** Stands for what the vendor does not take; one that `plain` allows inside a name. */
  readonly filler: string;
  readonly lengthMax: number;
}

/** What is wrong with a collection's name, or undefined. Every connector takes every name that has no problem. */
export function collectionNameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return 'collection name must be a non-empty string';
  if (!isPlainText(name) || /\p{Cc}/u.test(name))
    return 'collection name must be Unicode text without control characters';
  if (Buffer.byteLength(name) > COLLECTION_NAME_BYTES_MAX) {
    return `collection name is longer than ${COLLECTION_NAME_BYTES_MAX} bytes`;
  }
  return undefined;
}

/**
 * The vendor's name for a collection: the same when the vendor takes it, else a readable slug with a hash. The real
 * name has to be stored in the collection's own metadata, since a hash cannot be turned back.
 */
export function nativeName(name: string, rules: NameRules): string {
  if (name.length <= rules.lengthMax && rules.plain.test(name) && !name.startsWith(rules.prefix)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 20);
  const room = rules.lengthMax - rules.prefix.length - hash.length - 1;
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, rules.filler)
    .slice(0, Math.min(room, 24))
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  return slug === '' ? `${rules.prefix}${hash}` : `${rules.prefix}${slug}${rules.filler}${hash}`;
}
