import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a refresh token says: the how-manieth of which session. */
export interface RefreshClaim {
  readonly sessionId: string;
  /** 1 for the token of the log-in, one more with each refresh. */
  readonly generation: number;
}

/**
 * Refresh tokens, `mrr_` and base64url of session (16 bytes), generation (4) and an HMAC-SHA256 of both (32). The
 * session's row holds only the generation in force, so a copy of the database is worth nothing without the key, and a
 * token used twice is known for one: authentic, and older than the row.
 */
export interface RefreshTokens {
  encode(claim: RefreshClaim): string;
  /** Undefined for anything that this installation did not make. */
  decode(token: string): RefreshClaim | undefined;
}

const PREFIX = 'mrr_';
const PAYLOAD_BYTES = 20;

/** `key` is derived from the master key for this purpose alone. */
export function createRefreshTokens(key: Buffer): RefreshTokens {
  const mac = (payload: Buffer): Buffer => createHmac('sha256', key).update(payload).digest();
  return {
    encode({ sessionId, generation }) {
      const payload = Buffer.alloc(PAYLOAD_BYTES);
      payload.write(sessionId.replaceAll('-', ''), 'hex');
      payload.writeUInt32BE(generation, 16);
      return PREFIX + Buffer.concat([payload, mac(payload)]).toString('base64url');
    },
    decode(token) {
      if (!token.startsWith(PREFIX)) return undefined;
      const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url');
      if (bytes.length !== PAYLOAD_BYTES + 32) return undefined;
      const payload = bytes.subarray(0, PAYLOAD_BYTES);
      if (!timingSafeEqual(bytes.subarray(PAYLOAD_BYTES), mac(payload))) return undefined;
      const hex = payload.toString('hex', 0, 16);
      const sessionId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      return { sessionId, generation: payload.readUInt32BE(16) };
    },
  };
}
