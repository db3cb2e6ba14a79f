import { randomBytes } from 'node:crypto';
import { decrypt, encrypt, NONCE_BYTES } from './cipher.ts';
import { deriveKey, type SecretKey } from './key-text.ts';
import type { Keys } from './keys.ts';

/** Where a sealed value belongs. It opens there and nowhere else, so a value copied to another row is useless. */
export interface Binding {
  readonly service: string;
  readonly table: string;
  readonly rowId: string;
  readonly ownerId: string;
  readonly column: string;
}

/** Seals secrets for storage: each under a random data key of its own, which the master key wraps. */
export interface Vault {
  /** Returns `v1.<key version>.<wrapped data key>.<nonce>.<ciphertext>`, the parts in base64url. */
  seal(plaintext: string, binding: Binding): string;
  /** The text that was sealed with this very binding; throws VaultError for anything else. */
  open(sealed: string, binding: Binding): string;
  /** The same secret under the newest master key, without opening it; returns the value unchanged when it is already. */
  rewrap(sealed: string, binding: Binding): string;
}

/** A sealed value is malformed, altered, bound to another place, or under an unknown key. Which, is not told. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
}

const DATA_KEY_BYTES = 32;
const FORMAT = 'v1';

/** Creates the vault of a service. */
export function createVault(keys: Pick<Keys, 'byVersion' | 'newest'>): Vault {
  const wrappingKeys = new WeakMap<SecretKey, Buffer>();
  const wrappingKey = (version: number): Buffer => {
    const key = keys.byVersion(version);
    if (!key) throw new VaultError(`there is no master key of version ${version}`);
    const known = wrappingKeys.get(key) ?? deriveKey(key, 'vault');
    wrappingKeys.set(key, known);
    return known;
  };
  const wrap = (version: number, dataKey: Buffer, bound: Buffer): string =>
    encrypt(wrappingKey(version), dataKey, wrapData(version, bound)).toString('base64url');
  const unwrap = ({ version, wrapped }: Sealed, bound: Buffer): Buffer => {
    const key = wrappingKey(version);
    return failClosed(() => decrypt(key, wrapped, wrapData(version, bound)));
  };

  return {
    seal(plaintext, binding) {
      const bound = bytesOf(binding);
      const version = keys.newest();
      const dataKey = randomBytes(DATA_KEY_BYTES);
      const sealed = encrypt(dataKey, Buffer.from(plaintext, 'utf8'), bound);
      const [nonce, body] = [sealed.subarray(0, NONCE_BYTES), sealed.subarray(NONCE_BYTES)];
      const parts = [wrap(version, dataKey, bound), nonce.toString('base64url'), body.toString('base64url')];
      return [FORMAT, version, ...parts].join('.');
    },
    open(sealed, binding) {
      const bound = bytesOf(binding);
      const parsed = parse(sealed);
      const dataKey = unwrap(parsed, bound);
      return failClosed(() => decrypt(dataKey, parsed.sealed, bound)).toString('utf8');
    },
    rewrap(sealed, binding) {
      const parsed = parse(sealed);
      const version = keys.newest();
      if (parsed.version === version) return sealed;
      const bound = bytesOf(binding);
      const [, , , nonce, body] = sealed.split('.');
      return [FORMAT, version, wrap(version, unwrap(parsed, bound), bound), nonce, body].join('.');
    },
  };
}

interface Sealed {
  readonly version: number;
  readonly wrapped: Buffer;
  /** Nonce and ciphertext. */
  readonly sealed: Buffer;
}

function parse(text: string): Sealed {
  const match = /^v1\.([1-9]\d{0,8})\.([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(text);
  if (!match) throw new VaultError('not a sealed value');
  const [, version, wrapped = '', nonce = '', body = ''] = match;
  const nonceBytes = Buffer.from(nonce, 'base64url');
  if (nonceBytes.length !== NONCE_BYTES) throw new VaultError('not a sealed value');
  return {
    version: Number(version),
    wrapped: Buffer.from(wrapped, 'base64url'),
    sealed: Buffer.concat([nonceBytes, Buffer.from(body, 'base64url')]),
  };
}

function failClosed<T>(work: () => T): T {
  try {
    return work();
  } catch {
    throw new VaultError('the sealed value cannot be opened here');
  }
}

/** JSON keeps the parts apart whatever characters they hold; the order is fixed here. */
function bytesOf({ service, table, rowId, ownerId, column }: Binding): Buffer {
  return Buffer.from(JSON.stringify([service, table, rowId, ownerId, column]), 'utf8');
}

/** The wrapped data key is bound to its key's version too; the ciphertext is not, so that re-wrapping leaves it alone. */
function wrapData(version: number, binding: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${FORMAT}.${version}.`, 'utf8'), binding]);
}
