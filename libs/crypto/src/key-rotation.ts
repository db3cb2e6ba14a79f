import { type KeyReader, type MasterKey, type MasterKeys } from './master-keys.ts';

/**
 * How far the replacement of a master key has come, read from the keys themselves so that it can go on after any
 * interruption. `NONE`: one key. `ADDED`: every program learns the new one, the old one still seals. `PROMOTED`: the new
 * one seals, the old one only opens.
 */
export type RotationStage = 'NONE' | 'ADDED' | 'PROMOTED';

/** See RotationStage. */
export function rotationStage({ keys: [first, second] }: MasterKeys): RotationStage {
  if (!second) return 'NONE';
  return second.version > first.version ? 'ADDED' : 'PROMOTED';
}

/** Adds the key of this text behind the one that seals. */
export async function addKey({ keys: [first], root }: MasterKeys, text: string, read: KeyReader): Promise<MasterKeys> {
  const next: MasterKey = { version: first.version + 1, text, key: await read(text) };
  return { keys: [first, next], root };
}

/** Lets the new key seal. */
export function promoteKey({ keys: [first, second], root }: MasterKeys): MasterKeys {
  if (!second || second.version < first.version) throw new RangeError('there is no added key');
  return { keys: [second, first], root };
}

/** Forgets the old key. What is still under it can never be opened again. */
export function retireKey({ keys: [first, second], root }: MasterKeys): MasterKeys {
  if (!second || second.version > first.version) throw new RangeError('there is no promoted key');
  return { keys: [first], root };
}
