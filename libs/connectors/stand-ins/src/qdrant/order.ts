import type { Collection, StoredPoint } from './collection.ts';
import { wrongInput } from './failure.ts';
import { type Predicate, timeOf } from './filter.ts';
import { compareIds } from './ids.ts';
import { isObject } from './json.ts';
import { parsePath, valuesAt } from './path.ts';

/** Points in the order of one field. */
export interface Order {
  readonly key: string;
  readonly descending: boolean;
  readonly startFrom: unknown;
}

const MICROSECONDS = 1000;

export function parseOrder(value: unknown): Order {
  if (!isObject(value)) return { key: String(value), descending: false, startFrom: undefined };
  return { key: String(value.key), descending: value.direction === 'desc', startFrom: value.start_from };
}

/** The field needs an index that knows of ranges; points without it are left out. */
export function sortByField(
  collection: Collection,
  { key, descending, startFrom }: Order,
  passes: Predicate,
): { point: StoredPoint; value: number }[] {
  if (!collection.hasRangeIndex(key)) {
    throw wrongInput(
      `No range index for \`order_by\` key: \`${key}\`. Please create one to use \`order_by\`. Check https://qdrant.tech/documentation/concepts/indexing/#payload-index to see which payload schemas support Range conditions`,
    );
  }
  const path = parsePath(key);
  const sign = descending ? -1 : 1;
  const first = startFrom === undefined || startFrom === null ? undefined : valueOf(startFrom);
  return [...collection.points()]
    .filter(passes)
    .flatMap((point) =>
      valuesAt(point.payload, path)
        .flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]))
        .map(valueOf)
        .filter((value) => value !== undefined)
        .map((value) => ({ point, value })),
    )
    .filter(({ value }) => first === undefined || sign * (value - first) >= 0)
    .sort((a, b) => sign * (a.value - b.value) || compareIds(a.point.id, b.point.id));
}

function valueOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const ms = timeOf(value);
  return ms === undefined ? undefined : ms * MICROSECONDS;
}
