import type { Vault } from '@morag/crypto';
import { DomainError } from '@morag/errors';
import { requireEtag } from '@morag/orm';
import { type CheckAddressDeps, checkAddress } from './check-address.ts';
import type { ServerDraft } from './create-server.ts';
import { getServer } from './get-server.ts';
import type { ServerChanges, ServerStore } from './server.store.ts';
import type { Scope, Server } from './server.ts';
import { type SealedSecrets, sealSecrets } from './server-secrets.ts';

/** See updateServer. */
export interface UpdateServerDeps extends CheckAddressDeps {
  readonly store: Pick<ServerStore, 'find' | 'update'>;
  readonly vault: Vault;
  /** Told after a change, so that open connections are not used again. */
  readonly onChanged: (server: Server) => void;
}

/** See updateServer. */
export interface UpdateServerInput {
  readonly id: string;
  readonly scope: Scope;
  /** Only what changes. */
  readonly changes: Partial<ServerDraft>;
  readonly etag: string;
}

/** Without an etag the newest version is changed, however often somebody else comes in between; more often is no chance. */
const ATTEMPTS = 5;

/** Changes a server. */
export async function updateServer(deps: UpdateServerDeps, input: UpdateServerInput): Promise<Server> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const server = await getServer(deps.store, input.id, input.scope);
    requireEtag(server, input.etag);
    const { changes } = input;
    if (changes.type !== undefined && changes.type !== server.type) throw typeIsFixed();
    await checkAddress(deps, { ...server, ...changes });
    const sealed = sealSecrets(deps.vault, server, changes);
    const updated = await deps.store.update(server, changesOf(server, changes, sealed));
    if (updated) {
      deps.onChanged(updated);
      return updated;
    }
  }
  throw new DomainError('CONFLICT', 'The server is being changed by others; try again.', { retryAfterMs: 100 });
}

/**
 * What an update does to the row. A new host, port or TLS mode voids the secrets that do not come with it and makes the
 * server inactive: a test must never send stored secrets to a place they were not given for.
 */
export function changesOf(
  server: Server,
  { password: _password, apiKey: _apiKey, type: _type, ...plain }: Partial<ServerDraft>,
  sealed: Partial<SealedSecrets>,
): ServerChanges {
  const next = { ...server, ...plain };
  const moves = next.host !== server.host || next.port !== server.port || next.tls !== server.tls;
  const secretsChange = sealed.sealedPassword !== undefined || sealed.sealedApiKey !== undefined;
  const reconnects =
    moves ||
    secretsChange ||
    next.username !== server.username ||
    next.database !== server.database ||
    JSON.stringify(next.config) !== JSON.stringify(server.config);
  return {
    ...plain,
    ...(moves ? { sealedPassword: null, sealedApiKey: null, isActive: false } : {}),
    ...withoutUndefined(sealed),
    ...(reconnects ? { revision: server.revision + 1 } : {}),
  };
}

function withoutUndefined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function typeIsFixed(): DomainError {
  const description = 'cannot be changed; register another server';
  return new DomainError('INVALID_ARGUMENT', `type ${description}.`, {
    violations: [{ field: 'server.type', description }],
  });
}
