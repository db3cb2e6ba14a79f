import { p } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';

/** A new UUIDv7: ordered by time of creation, to the millisecond and within it. */
export function newId(): string {
  return v7();
}

/**
 * What every row has. Spread into `defineEntity({ properties })`:
 * `id` (UUIDv7), `createdAt`, `updatedAt` (UTC) and `version`, which an update raises by one and the API shows as `etag`.
 */
export const baseColumns = {
  id: p.uuid().primary().onCreate(newId),
  createdAt: p.datetime(6).onCreate(() => new Date()),
  updatedAt: p
    .datetime(6)
    .onCreate(() => new Date())
    .onUpdate(() => new Date()),
  version: p.integer().version(),
};
