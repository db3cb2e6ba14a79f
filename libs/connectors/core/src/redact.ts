/** UTF-8 bytes. */
const TEXT_BYTES_MAX = 2048;
const ELLIPSIS = '…';
const SECRET_LENGTH_MIN = 4;

// C0 and C1 controls, bidirectional overrides and line separators: a hostile server's text ends up in terminals and logs.
const CONTROL = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;
const ANSI = /\u001b\[[0-9;?]*[ -/]*[@-~]/gu;
const URL_USERINFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/giu;

/** A vendor's text made fit for people: one line, no escapes, no credentials in URLs, at most 2 kB. */
export function cleanText(text: string): string {
  const clean = text
    .slice(0, TEXT_BYTES_MAX * 2)
    .replaceAll(ANSI, '')
    .replaceAll(CONTROL, ' ')
    .replaceAll(URL_USERINFO, '$1')
    .trim()
    .toWellFormed();
  if (Buffer.byteLength(clean) <= TEXT_BYTES_MAX) return clean;
  const room = TEXT_BYTES_MAX - Buffer.byteLength(ELLIPSIS);
  const { read } = new TextEncoder().encodeInto(clean, new Uint8Array(room));
  return clean.slice(0, read) + ELLIPSIS;
}

/**
 * Replaces every occurrence of the given secrets and cleans the rest. A server that repeats what it was sent repeats
 * them in the encodings of headers, URLs and JSON, in base64 also amid other bytes (`user:password`).
 */
export function createRedactor(secrets: readonly (string | undefined)[]): (text: string) => string {
  const known = secrets.filter((secret): secret is string => (secret?.length ?? 0) >= SECRET_LENGTH_MIN);
  if (known.length === 0) return cleanText;
  const longestFirst = [...new Set(known.flatMap(spellingsOf))].toSorted((a, b) => b.length - a.length);
  const spelling = new RegExp(longestFirst.join('|'), 'g');
  return (text) => cleanText(text.replaceAll(spelling, '[redacted]'));
}

/** How a secret may be written, as patterns. */
function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const literal = [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
  ];
  return [...literal.map(literally), ...[0, 1, 2].flatMap((before) => base64Amid(bytes, before))];
}

/**
 * The bytes in base64 with `before` others in front of them (modulo three): the letters that are theirs alone, and one
 * on either side, which holds bits of theirs.
 */
function base64Amid(bytes: Buffer, before: number): string[] {
  const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  const whole = encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  const url = whole.replaceAll('+', '-').replaceAll('/', '_');
  return [whole, url].map((text) => `[\\w+/-]?${literally(text)}[\\w+/-]?={0,2}`);
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
