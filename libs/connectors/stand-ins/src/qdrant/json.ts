import { badBody } from './failure.ts';

export type JsonObject = { readonly [key: string]: unknown };

/** What the language has and its types do not know yet: numbers as they stand in a text. */
interface ExactJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
}

const exactJson = JSON as unknown as ExactJson;

const DEPTH_MAX = 128;
const SIGNED_MIN = -(2n ** 63n);
const UNSIGNED_MAX = 2n ** 64n - 1n;
const LONG_INTEGER = /[[,:\s]-?\d{16,}\s*[,}\]]/;
const LARGE_EXPONENT = /\d[eE]\+?\d{3}/;
/** Bodies up to here are looked through for what a parser of JavaScript lets pass: it takes longer than the parser. */
const SCANNED_LENGTH_MAX = 64 * 1024;

/** A body as the server reads it: integers of 64 bits stay exact, and what it refuses is refused in its words. */
export function parseBody(text: string): unknown {
  if (text.length <= SCANNED_LENGTH_MAX) scan(text);
  let value: unknown;
  try {
    value = LONG_INTEGER.test(text) ? exactJson.parse(text, reviveInteger) : JSON.parse(text);
  } catch (error) {
    throw badBody(wordsOf((error as Error).message, text));
  }
  if (LARGE_EXPONENT.test(text) && hasInfinity(value)) throw badBody('number out of range');
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
}

/** What the server calls a value of a type that it did not expect. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'sequence';
  if (typeof value === 'string') return `string ${JSON.stringify(value)}`;
  if (typeof value === 'boolean') return `boolean \`${value}\``;
  if (isInteger(value)) return `integer \`${value}\``;
  return typeof value === 'number' ? `floating point \`${value}\`` : 'map';
}

/** As the server writes numbers: 64-bit integers in full, and 32-bit floats as short as they can be. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'bigint' ? exactJson.rawJSON(String(item)) : item,
  );
}

/** The shortest decimal that is this 32-bit float; null where it has overflowed. */
export function float32(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return Number(value.toPrecision(9));
}

function reviveInteger(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(context.source ?? '')) return value;
  const exact = BigInt(context.source ?? '');
  return exact >= SIGNED_MIN && exact <= UNSIGNED_MAX ? exact : value;
}

/** Nesting, and names given twice. */
function scan(text: string): void {
  const seen = new Set<string>();
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (char === '{' || char === '[') {
      if (++depth > DEPTH_MAX) throw badBody('recursion limit exceeded');
    } else if (char === '}' || char === ']') depth--;
    if (char !== '"') continue;
    const start = index + 1;
    while (++index < text.length && text[index] !== '"') if (text[index] === '\\') index++;
    if (depth !== 1 || !/^\s*:/.test(text.slice(index + 1, index + 20))) continue;
    const name = text.slice(start, index);
    if (seen.has(name)) throw badBody(`duplicate field \`${name}\``);
    seen.add(name);
  }
}

function wordsOf(message: string, text: string): string {
  const place = /at position (\d+)/.exec(message)?.[1];
  const ended = message.includes('end of JSON input') || message.startsWith('Unterminated');
  if (ended || Number(place) >= text.length) return 'EOF while parsing a value';
  return message.includes('after JSON') ? 'trailing characters' : 'expected value';
}

function hasInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasInfinity);
}
