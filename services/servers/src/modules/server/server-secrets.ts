import type { Binding, Vault } from '@morag/crypto';
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
  const seal = (text: string | undefined, secret: keyof Secrets): string | null | undefined => {
    if (text === undefined) return undefined;
    return text === '' ? null : vault.seal(text, secretBinding(row, secret));
  };
  return { sealedPassword: seal(secrets.password, 'password'), sealedApiKey: seal(secrets.apiKey, 'apiKey') };
}

/** The secrets of a row. */
export function openSecrets(vault: Vault, row: RowId & SealedSecrets): Secrets {
  const open = (sealed: string | null, secret: keyof Secrets): string | undefined =>
    sealed === null ? undefined : vault.open(sealed, secretBinding(row, secret));
  return { password: open(row.sealedPassword, 'password'), apiKey: open(row.sealedApiKey, 'apiKey') };
}

/** Where a secret belongs. */
export function secretBinding({ id, ownerId }: RowId, secret: keyof Secrets): Binding {
  return { service: 'servers', table: 'servers', rowId: id, ownerId, column: COLUMNS[secret] };
}
