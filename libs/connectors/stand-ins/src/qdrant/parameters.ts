import { badBody, badParameter, Failure, invalidBody } from './failure.ts';
import { isInteger, type JsonObject, kindOf } from './json.ts';

/** `true` and `false` alone. */
export function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  if (value === null) return false;
  if (value !== 'true' && value !== 'false') throw badParameter('provided string was not `true` or `false`');
  return value === 'true';
}

/** Seconds. What zero means differs from endpoint to endpoint. */
export function timeoutOf(query: URLSearchParams, zero: 'allowed' | 'nonzero' | 'validated'): number | undefined {
  const value = query.get('timeout');
  if (value === null) return undefined;
  if (value.startsWith('-')) throw badParameter('std::time::Duration cannot be negative');
  if (!/^\d+$/.test(value)) throw badParameter('invalid digit found in string');
  if (Number(value) > 0 || zero === 'allowed') return Number(value);
  if (zero === 'nonzero') throw badParameter('invalid value: integer `0`, expected a nonzero u64');
  throw new Failure(422, 'Validation error in query parameters: [timeout: value 0 invalid, must be 1 or larger]');
}

const ORDERINGS = ['weak', 'medium', 'strong'];

export function checkOrdering(query: URLSearchParams): void {
  const value = query.get('ordering');
  if (value === null || ORDERINGS.includes(value)) return;
  const known = ORDERINGS.map((each) => `\`${each}\``).join(', ');
  throw badParameter(`unknown variant \`${value}\`, expected one of ${known}`);
}

/** A count of a body, such as `limit`. `place` is where a zero is refused, which is allowed where there is none. */
export function countOf(body: JsonObject, name: string, fallback: number, place?: string): number {
  const value = body[name];
  if (value === undefined || value === null) return fallback;
  if (!isInteger(value)) throw badBody(`invalid type: ${kindOf(value)}, expected usize`);
  if (value < 0) throw badBody(`invalid value: integer \`${value}\`, expected usize`);
  if (place !== undefined && Number(value) === 0) {
    throw invalidBody(`${place}.${name}: value 0 invalid, must be 1 or larger`);
  }
  return Number(value);
}
