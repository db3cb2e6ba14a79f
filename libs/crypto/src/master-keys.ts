import { createSecretKey } from 'node:crypto';
import { decrypt, encrypt } from './cipher.ts';
import { deriveKey, MasterKeyError, parseKey, type SecretKey } from './key-text.ts';

/** One of an installation's master keys. */
export interface MasterKey {
  /** Counts them, from 1. */
  readonly version: number;
  /** As the text has it: the key itself, or what a key management service makes the key of. */
  readonly text: string;
  readonly key: SecretKey;
}

/**
 * What MORAG_MASTER_KEY or its file holds. Usually one key; while it is being replaced two, of which the first seals and
 * both open.
 */
export interface MasterKeys {
  /** Never empty. */
  readonly keys: readonly [MasterKey, ...MasterKey[]];
  /**
   * What all is derived from that outlives a master key: passwords of database roles, keys of tokens. Made from the first
   * master key once, and kept under the newest.
   */
  readonly root: SecretKey;
}

/** Turns the text of a key into the key. */
export type KeyReader = (text: string) => SecretKey | Promise<SecretKey>;

const HEADER = 'morag-keys-v1';
const KEYS_MAX = 2;

/**
 * Reads a key alone, or the form that `formatMasterKeys` writes. Rejects with MasterKeyError, whose text holds no key.
 */
export async function parseMasterKeys(text: string, read: KeyReader = parseKey): Promise<MasterKeys> {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const [first = ''] = lines;
  if (first !== HEADER) {
    if (lines.length > 1) throw new MasterKeyError(`the master keys must begin with the line ${HEADER}`);
    const key = await read(first);
    return { keys: [{ version: 1, text: first, key }], root: rootOf(key) };
  }
  const keys = await Promise.all(lines.slice(1, -1).map((line) => parseLine(line, read)));
  const [newest, ...others] = keys;
  if (!newest || keys.length > KEYS_MAX || others.some(({ version }) => version === newest.version)) {
    throw new MasterKeyError('the master keys must be one or two lines of a version and a key');
  }
  return { keys: [newest, ...others], root: openRoot(lines.at(-1) ?? '', newest) };
}

/** A text that `parseMasterKeys` reads; the root is sealed under the first key. */
export function formatMasterKeys({ keys, root }: MasterKeys): string {
  const [newest] = keys;
  const body = encrypt(deriveKey(newest.key, 'root'), root.export(), boundTo(newest));
  const lines = keys.map(({ version, text }) => `${version} ${text}`);
  return [HEADER, ...lines, `root ${body.toString('base64url')}`, ''].join('\n');
}

async function parseLine(line: string, read: KeyReader): Promise<MasterKey> {
  const [, version, text = ''] = /^([1-9]\d{0,8}) (\S+)$/.exec(line) ?? [];
  if (version === undefined) throw new MasterKeyError('a line of the master keys is not a version and a key');
  return { version: Number(version), text, key: await read(text) };
}

function openRoot(line: string, newest: MasterKey): SecretKey {
  const [, body] = /^root ([\w-]+)$/.exec(line) ?? [];
  if (body === undefined) throw new MasterKeyError('the master keys must end with the line of the root');
  try {
    return createSecretKey(decrypt(deriveKey(newest.key, 'root'), Buffer.from(body, 'base64url'), boundTo(newest)));
  } catch {
    throw new MasterKeyError('the root does not belong to the first of the master keys');
  }
}

function boundTo({ version }: MasterKey): Buffer {
  return Buffer.from(`${HEADER}.${version}`, 'utf8');
}

function rootOf(key: SecretKey): SecretKey {
  return createSecretKey(deriveKey(key, 'installation root'));
}
