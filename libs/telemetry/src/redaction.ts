/** What stands in a log line where a secret stood. */
export const REDACTED = '[redacted]';

/** Names of fields whose value is never logged, in the spellings that occur: JSON, headers, SQL columns. */
const SECRET_NAMES = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'apiKey',
  'api_key',
  'api-key',
  'password',
  'passwordHash',
  'password_hash',
  'currentPassword',
  'newPassword',
  'secret',
  'secretAccessKey',
  'credential',
  'token',
  'accessToken',
  'access_token',
  'refreshToken',
  'refresh_token',
  'masterKey',
  'privateKey',
];

/** Pino's own redaction: whole values of any type, at the first three levels of the logged object. */
export const REDACTED_PATHS: readonly string[] = SECRET_NAMES.flatMap((name) => [
  `["${name}"]`,
  `*["${name}"]`,
  `*.*["${name}"]`,
]);

/** A string field of such a name in serialised JSON, at any depth; the value may hold escapes. */
const SECRET_FIELD = new RegExp(`("(?:${SECRET_NAMES.join('|')})":)"(?:[^"\\\\]|\\\\.)*"`, 'gi');

/** Values that are secrets wherever they stand, inside an error text for example. */
const SECRET_VALUES: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/\bmrg_[A-Za-z0-9_-]{8,}/g, `mrg_${REDACTED}`],
  [/\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g, REDACTED],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*):[^\s@/"]+@/gi, `$1:${REDACTED}@`],
];

/** Removes what looks like a secret (API keys, JWTs, bearer credentials, passwords in URLs) from a text. */
export function scrubText(text: string): string {
  return SECRET_VALUES.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}

/** The last fence: one finished log line, secrets removed by field name at any depth and by shape of value. */
export function scrubLine(line: string): string {
  return scrubText(line.replace(SECRET_FIELD, `$1"${REDACTED}"`));
}
