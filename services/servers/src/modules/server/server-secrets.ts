import type { Vault } from '@morag/crypto';
import type { Server } from './server.ts';

/** A server's secrets in the clear: for the moment of connecting, never stored, logged or answered. */
export interface Secrets {
  readonly password?: string;
  readonly apiKey?: string;
}

/** A server's secrets as its row holds them. */
export type SealedSecrets = Pick<Server, 'sealedPassword' | 'sealedApiKey'>;

type RowId = Pick<Server, 'id' | 'ownerId'>;

const COLUMNS = { password: 'sealed_password', apiKey: 'sealed_api_key' } as const;

/** Seals the secrets that are given, each bound to its row and column; an empty text means none. */
export function sealSecrets(vault: Vault, row: RowId, secrets: Secrets): Partial<SealedSecrets> {
  const seal = (text: string | undefined, column: string): string | null | undefined => {
    if (text === undefined) return undefined;
    return text === '' ? null : vault.seal(text, binding(row, column));
  };
  return {
    sealedPassword: seal(secrets.password, COLUMNS.password),
    sealedApiKey: seal(secrets.apiKey, COLUMNS.apiKey),
  };
}

/** The secrets of a row. */
export function openSecrets(vault: Vault, row: RowId & SealedSecrets): Secrets {
  const open = (sealed: string | null, column: string): string | undefined =>
    sealed === null ? undefined : vault.open(sealed, binding(row, column));
  return {
    password: open(row.sealedPassword, COLUMNS.password),
    apiKey: open(row.sealedApiKey, COLUMNS.apiKey),
  };
}

function binding({ id, ownerId }: RowId, column: string) {
  return { service: 'servers', table: 'servers', rowId: id, ownerId, column };
}
