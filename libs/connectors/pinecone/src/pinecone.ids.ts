import { createHash } from 'node:crypto';

/** Native ids of this beginning stand for others, which the metadata holds. */
const HASHED_PREFIX = '_vk_';
// The server: "ID must be ASCII".
const PLAIN = /^[\x20-\x7e]{1,512}$/;

/** The server's id for a record: the same where the server takes it, else a hash. */
export function nativeId(id: string): string {
  if (PLAIN.test(id) && !id.startsWith(HASHED_PREFIX)) return id;
  return HASHED_PREFIX + createHash('sha256').update(id).digest('base64url');
}

/** Whether the metadata is needed to tell which record this is. */
export function isHashed(native: string): boolean {
  return native.startsWith(HASHED_PREFIX);
}
