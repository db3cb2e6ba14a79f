import type { Vault } from '@morag/crypto';
import { newId } from '@morag/orm';
import type { JsonObject } from '../../json.ts';
import { type CheckAddressDeps, checkAddress } from './check-address.ts';
import type { ServerStore } from './server.store.ts';
import type { Server, ServerType, TlsMode } from './server.ts';
import { sealSecrets } from './server-secrets.ts';

/** See createServer. */
export interface CreateServerDeps extends CheckAddressDeps {
  readonly store: Pick<ServerStore, 'insert'>;
  readonly vault: Vault;
}

/** What a caller says about a server. */
export interface ServerDraft {
  readonly name: string;
  readonly type: ServerType;
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
  readonly username: string;
  readonly password: string;
  readonly apiKey: string;
  readonly database: string;
  readonly collection: string;
  readonly config: JsonObject;
  readonly labels: Readonly<Record<string, string>>;
}

/** Registers a server; it is inactive until a connection test succeeds. */
export async function createServer(
  { store, vault, ...checks }: CreateServerDeps,
  ownerId: string,
  { password, apiKey, ...draft }: ServerDraft,
): Promise<Server> {
  await checkAddress(checks, draft);
  const row = { id: newId(), ownerId };
  const { sealedPassword = null, sealedApiKey = null } = sealSecrets(vault, row, { password, apiKey });
  return store.insert({ ...row, ...draft, sealedPassword, sealedApiKey });
}
