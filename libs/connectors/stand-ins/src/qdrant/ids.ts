import { badBody } from './failure.ts';

/** An unsigned 64-bit integer or a UUID. */
export type PointId = number | bigint | string;

const UUID = /^(?:urn:uuid:)?(?:([0-9a-f]{32})|([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))$/;
const UNSIGNED_MAX = 2n ** 64n - 1n;

/** The canonical form of whatever a client may send, or undefined. */
export function readId(value: unknown): PointId | undefined {
  if (typeof value === 'bigint') return value >= 0n && value <= UNSIGNED_MAX ? value : undefined;
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const text = value.toLowerCase();
  const match = UUID.exec(text.startsWith('{') && text.endsWith('}') ? text.slice(1, -1) : text);
  if (!match) return undefined;
  const hex = (match[1] ?? match[2] ?? '').replaceAll('-', '');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export function parseId(value: unknown): PointId {
  if (value === undefined) throw badBody('missing field `id`');
  const id = readId(value);
  if (id !== undefined) return id;
  const shown = value === null ? 'Unit' : String(value);
  throw badBody(`value ${shown} is not a valid point ID, valid values are either an unsigned integer or a UUID`);
}

/** Integers first, then UUIDs. */
export function compareIds(a: PointId, b: PointId): number {
  if (typeof a === 'string') return typeof b === 'string' ? (a < b ? -1 : Number(a > b)) : 1;
  if (typeof b === 'string') return -1;
  return a < b ? -1 : Number(a > b);
}
