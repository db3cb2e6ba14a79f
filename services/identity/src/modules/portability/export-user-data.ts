import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type UserData, UserDataSchema } from '@morag/gen/morag/identity/v1/settings_service_pb.ts';
import type { Cursor, Database } from '@morag/orm';
import { toApiKey } from '../api-key/api-key.mapping.ts';
import { type ApiKeyRow, listApiKeys } from '../api-key/api-key.store.ts';
import { toSettings } from '../settings/settings.mapping.ts';
import { readSettings } from '../settings/settings.store.ts';
import { ITEMS_MAX, type OwnedThings } from './owned-things.ts';

/** What an export needs. */
export interface ExportDeps {
  readonly db: Database;
  readonly owned: OwnedThings;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** All that a user has, as each service shows it to its owner: so without secrets. */
export async function exportUserData(deps: ExportDeps, userId: string, signal: AbortSignal): Promise<UserData> {
  const { db, owned, now } = deps;
  const settings = toSettings(await readSettings(db, userId));
  const [servers, databases, documents, keys] = await Promise.all([
    owned.servers(userId, signal),
    owned.databases(userId, signal),
    owned.documents(userId, signal),
    readKeys(db, userId),
  ]);
  const first = <Item>(items: readonly Item[]): Item[] => items.slice(0, ITEMS_MAX);
  return create(UserDataSchema, {
    exportTime: timestampFromMs(now()),
    settings,
    servers: first(servers),
    databases: first(databases),
    apiKeys: first(keys).map(toApiKey),
    documents: first(documents),
    complete: [servers, databases, documents, keys].every(({ length }) => length <= ITEMS_MAX),
  });
}

async function readKeys(db: Database, userId: string): Promise<ApiKeyRow[]> {
  const all: ApiKeyRow[] = [];
  for (let cursor: Cursor | undefined; ; ) {
    const page = await listApiKeys(db, userId, { pageSize: 1_000, cursor });
    all.push(...page.rows);
    if (!page.next || all.length > ITEMS_MAX) return all;
    cursor = page.next;
  }
}
