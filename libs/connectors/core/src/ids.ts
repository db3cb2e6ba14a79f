import { createHash } from 'node:crypto';
import { isPlainText } from './metadata.ts';

/** UTF-8 bytes. */
export const ID_BYTES_MAX = 512;

const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
// Fixed for ever: other namespaces would give stored records other native ids.
const NAMESPACE = Buffer.from('6d6f726167007265636f7264006e7331', 'hex');

/** What is wrong with a record's id, or undefined. */
export function idProblem(id: unknown): string | undefined {
  if (typeof id !== 'string' || id === '') return 'id must be a non-empty string';
  if (!isPlainText(id)) return 'id must be Unicode text without NUL';
  if (Buffer.byteLength(id) > ID_BYTES_MAX) return `id is longer than ${ID_BYTES_MAX} bytes`;
  return undefined;
}

/**
 * The id for vendors that know only UUIDs: a canonical one stays, any other text becomes its UUID version 5. The
 * original has to be stored beside the record; spellings that a vendor would fold (upper case, braces) are hashed.
 */
export function uuidOfId(id: string): string {
  if (CANONICAL_UUID.test(id)) return id;
  const hash = createHash('sha1').update(NAMESPACE).update(id).digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
