import { createHmac, timingSafeEqual } from 'node:crypto';
import { DomainError } from '@morag/errors';

/** What a page token is good for. */
export interface PageBinding {
  /** User id of the caller. */
  readonly caller: string;
  /** Full method name. */
  readonly method: string;
  /** Whatever decides the order and the rows: parent, filter, order. The same object, in the same order of keys. */
  readonly query: unknown;
}

/** Makes and reads page tokens. */
export interface PageTokens {
  /** A token that continues after `cursor`, which is any JSON value. */
  encode(binding: PageBinding, cursor: unknown): string;
  /** The cursor in a token; undefined for the empty token, which asks for the first page. Else INVALID_PAGE_TOKEN. */
  decode<Cursor>(binding: PageBinding, token: string): Cursor | undefined;
}

const MAC_BYTES = 16;
const TOKEN_LENGTH_MAX = 4096;

/**
 * Page tokens signed with HMAC-SHA256, so that a caller can neither build one nor use one for another query, method or
 * caller. They are signed, not encrypted: a cursor holds nothing that the page did not show.
 */
export function pageTokens({ secret }: { secret: string | Buffer }): PageTokens {
  const sign = (binding: PageBinding, payload: string): Buffer =>
    createHmac('sha256', secret)
      .update(JSON.stringify([binding.caller, binding.method, binding.query, payload]))
      .digest()
      .subarray(0, MAC_BYTES);

  return {
    encode(binding, cursor) {
      const payload = Buffer.from(JSON.stringify(cursor)).toString('base64url');
      return `${payload}.${sign(binding, payload).toString('base64url')}`;
    },
    decode<Cursor>(binding: PageBinding, token: string) {
      if (token === '') return undefined;
      const [payload, mac, ...more] = token.length <= TOKEN_LENGTH_MAX ? token.split('.') : [];
      if (payload === undefined || mac === undefined || more.length > 0) throw invalid();
      const given = Buffer.from(mac, 'base64url');
      const expected = sign(binding, payload);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw invalid();
      return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Cursor;
    },
  };
}

function invalid(): DomainError {
  const description = 'is not a page token of this list';
  return new DomainError('INVALID_PAGE_TOKEN', `The page token ${description}.`, {
    violations: [{ field: 'pageToken', description }],
  });
}
