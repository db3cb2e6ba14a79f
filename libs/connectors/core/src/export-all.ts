import type { CallOptions, Include, StoredRecord, VectorConnector } from './connector.port.ts';
import type { Filter } from './filter/filter.ts';

export interface ExportRequest {
  readonly pageSize?: number;
  readonly filter?: Filter;
  readonly include?: Include;
}

/** Every record of a collection, one page in memory at a time; the deadline of `options` is that of each page. */
export async function* exportAll(
  connector: VectorConnector,
  collection: string,
  request: ExportRequest = {},
  options?: CallOptions,
): AsyncGenerator<StoredRecord> {
  const include = request.include ?? { vector: true };
  let cursor: string | undefined;
  do {
    const { pageSize = 500, filter } = request;
    const page = await connector.scan(collection, { cursor, pageSize, filter, include }, options);
    yield* page.records;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}
