import type { DescMethod } from '@bufbuild/protobuf';
import type { Principal } from '@morag/auth';
import type { Cursor, ListRequest, Page } from '@morag/orm';
import { methodName, type PageTokens } from '@morag/rpc';

/** The fields that a list request has; `parentId` where it is a list below another resource. */
export interface ListMessage {
  readonly pageSize: number;
  readonly pageToken: string;
  readonly filter?: string;
  readonly orderBy?: string;
  readonly serverId?: string;
  readonly databaseId?: string;
  readonly placementId?: string;
}

/** Reads the page that a request asks for; the token of the next one is good for this caller, method and query alone. */
export async function readPage<Row>(
  tokens: PageTokens,
  { userId }: Principal,
  method: DescMethod,
  message: ListMessage,
  read: (request: ListRequest) => Promise<Page<Row>>,
): Promise<{ rows: Row[]; nextPageToken: string }> {
  const { pageSize, pageToken, filter, orderBy, serverId, databaseId, placementId } = message;
  const query = [filter, orderBy, serverId, databaseId, placementId];
  const binding = { caller: userId, method: methodName(method), query };
  const cursor = tokens.decode<Cursor>(binding, pageToken);
  const { rows, next } = await read({ pageSize, filter, orderBy, cursor });
  return { rows, nextPageToken: next ? tokens.encode(binding, next) : '' };
}
