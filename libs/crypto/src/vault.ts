import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deriveKey, type MasterKey } from './master-key.ts';

/** Where a sealed value belongs. It opens there and nowhere else, so a value copied to another row is useless. */
export interface Binding {
  readonly service: string;
  readonly table: string;
  readonly rowId: string;
  readonly ownerId: string;
  readonly column: string;
}

/** See createVault. */
export interface VaultOptions {
  readonly masterKey: MasterKey;
  /** Counts the installation's master keys, from 1; stands in every sealed value. */
  readonly keyVersion: number;
  /** Earlier master keys by version, while values sealed under them remain. */
  readonly retiredKeys?: ReadonlyMap<number, MasterKey>;
}

/** Seals secrets for storage: each under a random data key of its own, which the master key wraps. */
export interface Vault {
  /** Returns `v1.<key version>.<wrapped data key>.<nonce>.<ciphertext>`, the parts in base64url. */
  seal(plaintext: string, binding: Binding): string;
  /** The text that was sealed with this very binding; throws VaultError for anything else. */
  open(sealed: string, binding: Binding): string;
  /** The same secret under the current master key; returns the value unchanged when it is already. */
  rewrap(sealed: string, binding: Binding): string;
}

/** A sealed value is malformed, altered, bound to another place, or under an unknown key. Which, is not told. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const DATA_KEY_BYTES = 32;
const FORMAT = 'v1';

/** Creates the vault of a service. */
export function createVault({ masterKey, keyVersion, retiredKeys }: VaultOptions): Vault {
  const wrappingKeys = new Map<number, Buffer>();
  for (const [version, key] of retiredKeys ?? []) wrappingKeys.set(version, deriveKey(key, 'vault'));
  wrappingKeys.set(keyVersion, deriveKey(masterKey, 'vault'));

  const wrap = (dataKey: Buffer, binding: Buffer): string => {
    const { nonce, body } = encrypt(keyOf(wrappingKeys, keyVersion), dataKey, wrapData(keyVersion, binding));
    return Buffer.concat([nonce, body]).toString('base64url');
  };
  const unwrap = ({ version, wrapped }: Sealed, binding: Buffer): Buffer =>
    decrypt(
      keyOf(wrappingKeys, version),
      wrapped.subarray(0, NONCE_BYTES),
      wrapped.subarray(NONCE_BYTES),
      wrapData(version, binding),
    );

  return {
    seal(plaintext, binding) {
      const bound = bytesOf(binding);
      const dataKey = randomBytes(DATA_KEY_BYTES);
      const { nonce, body } = encrypt(dataKey, Buffer.from(plaintext, 'utf8'), bound);
      const parts = [FORMAT, keyVersion, wrap(dataKey, bound), nonce.toString('base64url'), body.toString('base64url')];
      return parts.join('.');
    },
    open(sealed, binding) {
      const bound = bytesOf(binding);
      const parsed = parse(sealed);
      return decrypt(unwrap(parsed, bound), parsed.nonce, parsed.body, bound).toString('utf8');
    },
    rewrap(sealed, binding) {
      const parsed = parse(sealed);
      if (parsed.version === keyVersion) return sealed;
      const bound = bytesOf(binding);
      const [, , , nonce, body] = sealed.split('.');
      return [FORMAT, keyVersion, wrap(unwrap(parsed, bound), bound), nonce, body].join('.');
    },
  };
}

interface Sealed {
  readonly version: number;
  readonly wrapped: Buffer;
  readonly nonce: Buffer;
  readonly body: Buffer;
}

function parse(sealed: string): Sealed {
  const match = /^v1\.([1-9]\d{0,8})\.([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(sealed);
  if (!match) throw new VaultError('not a sealed value');
  const [, version, wrapped = '', nonce = '', body = ''] = match;
  return {
    version: Number(version),
    wrapped: Buffer.from(wrapped, 'base64url'),
    nonce: Buffer.from(nonce, 'base64url'),
    body: Buffer.from(body, 'base64url'),
  };
}

function keyOf(keys: ReadonlyMap<number, Buffer>, version: number): Buffer {
  const key = keys.get(version);
  if (!key) throw new VaultError(`there is no master key of version ${version}`);
  return key;
}

/** JSON keeps the parts apart whatever characters they hold; the order is fixed here. */
function bytesOf({ service, table, rowId, ownerId, column }: Binding): Buffer {
  return Buffer.from(JSON.stringify([service, table, rowId, ownerId, column]), 'utf8');
}

/** The wrapped data key is bound to its key's version too; the ciphertext is not, so that re-wrapping leaves it alone. */
function wrapData(version: number, binding: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${FORMAT}.${version}.`, 'utf8'), binding]);
}

function encrypt(key: Buffer, plaintext: Buffer, bound: Buffer): { nonce: Buffer; body: Buffer } {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound);
  return { nonce, body: Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]) };
}

function decrypt(key: Buffer, nonce: Buffer, body: Buffer, bound: Buffer): Buffer {
  if (nonce.length !== NONCE_BYTES || body.length < TAG_BYTES || key.length !== DATA_KEY_BYTES) {
    throw new VaultError('the sealed value cannot be opened here');
  }
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(bound)
    .setAuthTag(body.subarray(-TAG_BYTES));
  try {
    // In this mode everything comes out of `update`; `final` only checks the tag, and throws.
    const plaintext = decipher.update(body.subarray(0, -TAG_BYTES));
    decipher.final();
    return plaintext;
  } catch {
    throw new VaultError('the sealed value cannot be opened here');
  }
}
