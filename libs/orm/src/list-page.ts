import { type Condition, newStatement, whereAll } from './conditions.ts';
import type { Database } from './database.ts';
import { type FilterFields, parseListFilter } from './list-filter.ts';
import { type OrderFields, parseOrderBy } from './list-order.ts';

/** How a list is read; one constant per list. */
export interface ListSpec {
  /** Table, or tables with their joins. */
  readonly from: string;
  /** What is selected: `id, name, created_at`. */
  readonly columns: string;
  /** The id that makes every order total: `id`, or `users.id` in a join. */
  readonly id: string;
  readonly filter: FilterFields;
  readonly order: OrderFields;
  /** For example `create_time desc`. */
  readonly defaultOrder: string;
}

/** What a caller asked for. */
export interface ListRequest {
  /** 0 means 50; more than 1000 means 1000. */
  readonly pageSize: number;
  readonly filter?: string;
  readonly orderBy?: string;
  /** `next` of the page before. */
  readonly cursor?: Cursor;
}

/** Where a page ended: the value it was ordered by, as PostgreSQL writes it, and the id. JSON, for a page token. */
export type Cursor = readonly [value: string, id: string];

/** One page of plain rows. */
export interface Page<Row> {
  readonly rows: Row[];
  /** Of the next page; undefined on the last. */
  readonly next: Cursor | undefined;
}

const PAGE_SIZE_DEFAULT = 50;
const PAGE_SIZE_MAX = 1_000;

/**
 * Reads one page by keyset: the page after a cursor costs the same wherever it lies, given an index on (owner, order
 * column, id). The cursor keeps PostgreSQL's own text of the value: a Date would lose the microseconds and repeat rows.
 */
export async function listPage<Row extends object>(
  db: Pick<Database, 'read'>,
  spec: ListSpec,
  request: ListRequest,
  conditions: readonly Condition[] = [],
): Promise<Page<Row>> {
  const { column, type, descending } = parseOrderBy(spec.order, request.orderBy ?? '', spec.defaultOrder);
  const size = Math.min(request.pageSize > 0 ? request.pageSize : PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX);
  const { bind, params } = newStatement();
  const [direction, comparison] = descending ? ['desc', '<'] : ['asc', '>'];
  const all = [...conditions, ...parseListFilter(spec.filter, request.filter ?? '')];
  if (request.cursor) {
    const [value, id] = request.cursor;
    all.push(() => `(${column}, ${spec.id}) ${comparison} (${bind(value)}::${type}, ${bind(id)}::uuid)`);
  }
  const rows = await db.read<Row & { page_cursor?: Cursor }>(
    `select ${spec.columns}, array[${column}::text, ${spec.id}::text] as page_cursor from ${spec.from}
     ${whereAll(all, bind)} order by ${column} ${direction}, ${spec.id} ${direction} limit ${bind(size + 1)}`,
    params,
  );
  const next = rows.length > size ? rows[size - 1]?.page_cursor : undefined;
  const page = rows.slice(0, size);
  for (const row of page) delete row.page_cursor;
  return { rows: page, next };
}
