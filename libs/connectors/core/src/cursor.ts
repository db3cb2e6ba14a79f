import type { Origin } from './calls.ts';
import { ConnectorError } from './connector.error.ts';
import type { Vendor } from './connector.port.ts';

const VERSION = 1;
const LENGTH_MAX = 8192;

/** Where a scan or list goes on: opaque to callers, and of use for one vendor and collection only. */
export function encodeCursor(vendor: Vendor, collection: string, position: unknown): string {
  return Buffer.from(JSON.stringify([VERSION, vendor, collection, position])).toString('base64url');
}

/** The position, or undefined when the cursor is garbled or belongs elsewhere. `isPosition` checks its shape. */
export function decodeCursor<T>(
  cursor: string,
  vendor: Vendor,
  collection: string,
  isPosition: (value: unknown) => value is T,
): T | undefined {
  if (cursor.length > LENGTH_MAX) return undefined;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 4) return undefined;
  const [version, ofVendor, ofCollection, position] = parts as unknown[];
  const ours = version === VERSION && ofVendor === vendor && ofCollection === collection;
  return ours && isPosition(position) ? position : undefined;
}

/**
 * Where a page goes on; undefined for the first. Refuses a cursor that is garbled or belongs elsewhere. `collection` is
 * empty for the list of collections itself.
 */
export function pagePosition<T>(
  origin: Origin,
  cursor: string | undefined,
  collection: string,
  isPosition: (value: unknown) => value is T,
): T | undefined {
  if (cursor === undefined) return undefined;
  const position = decodeCursor(cursor, origin.vendor, collection, isPosition);
  if (position !== undefined) return position;
  const place = collection === '' ? 'list' : 'collection';
  throw new ConnectorError('invalid_argument', origin, `The cursor is not of this ${place}.`);
}

/** For positions that are a count. */
export function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** For positions that are the last id seen. */
export function isText(value: unknown): value is string {
  return typeof value === 'string';
}
