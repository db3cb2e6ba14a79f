import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What an API key begins with, so that scanners and people know one when they see it. */
export const API_KEY_PREFIX = 'mrg_';

/** An API key taken apart. */
export interface ParsedApiKey {
  /** UUID of its row. */
  readonly id: string;
  /** SHA-256 of the secret; what is stored and compared. The secret has 256 bits, so a slow hash would add nothing. */
  readonly secretHash: Buffer;
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 62^43 > 2^256. */
const SECRET_CHARS = 43;
/** 62^6 > 2^32. */
const CHECKSUM_CHARS = 6;
const FORMAT = /^mrg_([0-9a-f]{32})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;

/**
 * A new key for a row: `mrg_<id>_<secret><crc32>`, as GitHub's tokens are built: the id names the row, the secret is
 * random, and the checksum tells a mistyped or invented key from a real one without asking anybody.
 */
export function newApiKey(id: string): { readonly key: string; readonly secretHash: Buffer } {
  const secret = randomSecret();
  const body = `${publicPart(id)}_${secret}`;
  return { key: body + checksum(body), secretHash: hash('sha256', secret, 'buffer') };
}

/** What of a key may be shown: `mrg_<id>`. */
export function publicPart(id: string): string {
  return API_KEY_PREFIX + id.replaceAll('-', '');
}

/** Takes a key apart; undefined when it is not one, or its checksum is wrong. */
export function parseApiKey(text: string): ParsedApiKey | undefined {
  const [, hex, secret, sum] = FORMAT.exec(text) ?? [];
  if (hex === undefined || secret === undefined || sum !== checksum(text.slice(0, -CHECKSUM_CHARS))) return undefined;
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { id, secretHash: hash('sha256', secret, 'buffer') };
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let n = 0; n < CHECKSUM_CHARS; n += 1) {
    digits = ALPHABET.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** Bytes from 248 on are thrown away: with them the first characters of the alphabet would come more often. */
function randomSecret(): string {
  let secret = '';
  while (secret.length < SECRET_CHARS) {
    for (const byte of randomBytes(SECRET_CHARS)) {
      if (byte < 248 && secret.length < SECRET_CHARS) secret += ALPHABET.charAt(byte % 62);
    }
  }
  return secret;
}
