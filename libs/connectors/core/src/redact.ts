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

/** Replaces every occurrence of the given secrets, also in their usual encodings, and cleans the rest. */
export function createRedactor(secrets: readonly (string | undefined)[]): (text: string) => string {
  const known = secrets.filter((secret): secret is string => (secret?.length ?? 0) >= SECRET_LENGTH_MIN);
  const spellings = known.flatMap((secret) => [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    Buffer.from(secret).toString('base64'),
  ]);
  const longestFirst = [...new Set(spellings)].toSorted((a, b) => b.length - a.length);
  return (text) => cleanText(longestFirst.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text));
}
