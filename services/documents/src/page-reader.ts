import type { DescMethod } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { requirePrincipal } from '@morag/auth';
import { methodName, type PageTokens } from '@morag/rpc';

/** The fields of a list request. */
export interface ListMessage {
  readonly pageSize: number;
  readonly pageToken: string;
}

/** See readPage. */
export interface PageRequest<Cursor> {
  readonly pageSize: number;
  readonly cursor: Cursor | undefined;
}

const PAGE_SIZE_DEFAULT = 50;

/** Reads the page a request asks for; the next one's token is good for this caller, method and `query` alone. */
export async function readPage<Row, Cursor>(
  tokens: PageTokens,
  context: HandlerContext & { readonly method: DescMethod },
  message: ListMessage,
  query: unknown,
  read: (request: PageRequest<Cursor>) => Promise<{ rows: Row[]; next: Cursor | undefined }>,
): Promise<{ rows: Row[]; nextPageToken: string }> {
  const binding = { caller: requirePrincipal(context).userId, method: methodName(context.method), query };
  const cursor = tokens.decode<Cursor>(binding, message.pageToken);
  const { rows, next } = await read({ pageSize: message.pageSize || PAGE_SIZE_DEFAULT, cursor });
  return { rows, nextPageToken: next === undefined ? '' : tokens.encode(binding, next) };
}

/** A page of rows that are in the order of a number, given one row more than wanted where there are more. */
export function numberedPage<Row>(
  rows: readonly Row[],
  size: number,
  numberOf: (row: Row) => number,
): { rows: Row[]; next: number | undefined } {
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return { rows: page, next: rows.length > size && last !== undefined ? numberOf(last) : undefined };
}
