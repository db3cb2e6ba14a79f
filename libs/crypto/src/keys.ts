import { readFile } from 'node:fs/promises';
import { followFiles } from './follow-files.ts';
import { createKeyReader } from './key-reader.ts';
import { MasterKeyError, type SecretKey } from './key-text.ts';
import { type KeyReader, type MasterKeys, parseMasterKeys } from './master-keys.ts';

/** The keys of this installation, as they are now. */
export interface Keys {
  /** See MasterKeys. Never changes. */
  readonly root: SecretKey;
  /** The master keys by version. */
  byVersion(version: number): SecretKey | undefined;
  /** The version that seals. */
  newest(): number;
  /** Stops looking for new keys. */
  close(): void;
}

/** Where the master key stands: exactly one of the two. */
export interface KeySource {
  readonly key?: string;
  readonly file?: string;
}

/** See openKeys. */
export interface KeysOptions {
  /** Turns the text of a key into the key; see createKeyReader. */
  readonly read?: KeyReader;
  /** How often a file is looked at. */
  readonly watchMs?: number;
  /** Told when a changed file cannot be read; the keys stay as they were. */
  readonly onProblem?: (error: unknown) => void;
}

/** A tool that replaces a key waits for longer than this after each step. */
export const KEY_WATCH_MS = 1_000;

/**
 * Opens them. Keys in a file are read again when it changes, so that a key is replaced without a restart. Rejects with
 * MasterKeyError.
 */
export async function openKeys(source: KeySource, options: KeysOptions = {}): Promise<Keys> {
  const { read = createKeyReader(), watchMs = KEY_WATCH_MS, onProblem } = options;
  const { file } = source;
  const load = async (before: MasterKeys | undefined): Promise<MasterKeys> => {
    const loaded = await parseMasterKeys(await textOf(source), read);
    if (before && !loaded.root.equals(before.root)) {
      throw new MasterKeyError('the file holds keys of another installation');
    }
    return loaded;
  };
  const followed = await followFiles(file === undefined ? [] : [file], load, { everyMs: watchMs, onProblem });
  return {
    root: followed.current().root,
    byVersion: (version) => followed.current().keys.find((each) => each.version === version)?.key,
    newest: () => followed.current().keys[0].version,
    close: followed.close,
  };
}

/** What needs nothing but the root; see MasterKeys. Rejects with MasterKeyError. */
export async function loadRootKey(source: KeySource, read: KeyReader = createKeyReader()): Promise<SecretKey> {
  return (await parseMasterKeys(await textOf(source), read)).root;
}

/** Keys that stay as they are; for tools and tests. */
export function fixedKeys({ root, keys }: MasterKeys): Keys {
  return {
    root,
    byVersion: (version) => keys.find((each) => each.version === version)?.key,
    newest: () => keys[0].version,
    close: () => {},
  };
}

async function textOf({ key, file }: KeySource): Promise<string> {
  if (key !== undefined && file !== undefined) throw new MasterKeyError('give the master key or its file, not both');
  if (key !== undefined) return key;
  if (file === undefined) throw new MasterKeyError('there is no master key');
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new MasterKeyError(`the master key file ${file} cannot be read`, { cause });
  }
}
