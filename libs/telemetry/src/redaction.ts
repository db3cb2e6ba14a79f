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

const SECRETS = new Set(SECRET_NAMES);

// Deeper than log objects are; what lies below is still covered by `scrubLine` where it is text.
const DEPTH_MAX = 6;

/**
 * The logged object with the values of secret fields replaced, whatever their type. Returns the same object when there is
 * none: pino's own redaction by paths costs twenty times a whole line, and this stands on every call.
 */
export function redactFields(value: Record<string, unknown>, depth = 0): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const key in value) {
    const before = value[key];
    const after = SECRETS.has(key)
      ? REDACTED
      : depth < DEPTH_MAX && isPlain(before)
        ? redactFields(before, depth + 1)
        : before;
    if (after === before) continue;
    // An array keeps being one.
    copy ??= Array.isArray(value) ? Object.assign([], value) : { ...value };
    copy[key] = after;
  }
  return copy ?? value;
}

/** Objects and arrays, but no class's instances: pino has serialisers for those, and they end as text. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

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
