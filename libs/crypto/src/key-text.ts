import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';

/** 32 random bytes. A KeyObject and not bytes, so that logging or inspecting it shows nothing. */
export type SecretKey = KeyObject;

/** The master key is missing, too short, or one that somebody else knows. Its text never holds the key. */
export class MasterKeyError extends Error {
  override readonly name = 'MasterKeyError';
}

const KEY_BYTES = 32;

/** Fewer distinct bytes than this in 32 means typed by hand or counted up; for random bytes it is one in 10^20. */
const DISTINCT_BYTES_MIN = 16;

/** A new master key as text, for the first start and for `.env` files. */
export function generateMasterKey(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}

/** A key for one purpose (HKDF-SHA256). Different purposes give independent keys; the same purpose the same key. */
export function deriveKey(key: SecretKey, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `morag/${purpose}`, KEY_BYTES));
}

/** Reads a key: 32 bytes in base64, base64url or hex. */
export function parseKey(text: string): SecretKey {
  const trimmed = text.trim();
  const bytes = /^[0-9a-f]{64}$/i.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)
      ? Buffer.from(trimmed, 'base64')
      : undefined;
  if (bytes?.length !== KEY_BYTES) {
    throw new MasterKeyError('the master key must be 32 bytes in base64 (44 characters) or hex (64 characters)');
  }
  if (new Set(bytes).size < DISTINCT_BYTES_MIN || isCountedUp(bytes)) {
    throw new MasterKeyError('the master key is an example, not a random key; make one with: openssl rand -base64 32');
  }
  return createSecretKey(bytes);
}

/** Bytes that grow by one each, as keys in examples and standards do. */
function isCountedUp(bytes: Buffer): boolean {
  return bytes.every((byte, at) => at === 0 || byte === (((bytes[at - 1] ?? 0) + 1) & 0xff));
}
