import { createVault, type Keys } from '@morag/crypto';
import type { Database } from '@morag/orm';
import { secretBinding } from './server-secrets.ts';

interface SealedRow {
  readonly id: string;
  readonly ownerId: string;
  readonly password: string | null;
  readonly apiKey: string | null;
}

/** Rows of one statement: enough to be fast, few enough that none waits long for it. */
const PAGE = 500;

/** Values that are not sealed under the master key of version `$1`. */
const UNDER_OTHER_KEYS = `(sealed_password not like 'v1.' || $1 || '.%' or sealed_api_key not like 'v1.' || $1 || '.%')`;

/** How many servers hold a secret under another master key than the newest. */
export async function countSecretsUnderOtherKeys(db: Database, keys: Pick<Keys, 'newest'>): Promise<number> {
  const sql = `select count(*)::int as count from servers.servers where ${UNDER_OTHER_KEYS}`;
  const [row] = await db.read<{ count: number }>(sql, [String(keys.newest())]);
  return row?.count ?? 0;
}

/**
 * Brings every secret under the newest master key, without opening one. Readers and writers go on: a row that changes
 * meanwhile is left as it was changed. May be stopped anywhere and repeated. Answers how many rows it changed.
 */
export async function rewrapSecrets(
  db: Database,
  keys: Pick<Keys, 'byVersion' | 'newest'>,
  { signal, onProgress = () => {} }: { readonly signal: AbortSignal; readonly onProgress?: (rows: number) => void },
): Promise<number> {
  const vault = createVault(keys);
  const rewrap = (row: SealedRow, sealed: string | null, column: 'password' | 'apiKey'): string | null =>
    sealed === null ? null : vault.rewrap(sealed, secretBinding(row, column));
  let changed = 0;
  for (;;) {
    signal.throwIfAborted();
    const rows = await db.read<SealedRow>(
      `select id, owner_id as "ownerId", sealed_password as password, sealed_api_key as "apiKey"
         from servers.servers where ${UNDER_OTHER_KEYS} limit ${PAGE}`,
      [String(keys.newest())],
    );
    if (rows.length === 0) return changed;
    const written = await db.write(REPLACE, [
      rows.map(({ id }) => id),
      rows.map(({ password }) => password),
      rows.map(({ apiKey }) => apiKey),
      rows.map((row) => rewrap(row, row.password, 'password')),
      rows.map((row) => rewrap(row, row.apiKey, 'apiKey')),
    ]);
    changed += written.length;
    onProgress(changed);
  }
}

/** Neither revision nor etag: it is the same secret. */
const REPLACE = `
  with held as materialized (
    select id from servers.servers where id = any($1::uuid[]) order by id for no key update
  )
  update servers.servers as server
     set sealed_password = pair.new_password, sealed_api_key = pair.new_api_key
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
      as pair(id, password, api_key, new_password, new_api_key)
    join held using (id)
   where server.id = pair.id
     and server.sealed_password is not distinct from pair.password
     and server.sealed_api_key is not distinct from pair.api_key
  returning server.id`;
