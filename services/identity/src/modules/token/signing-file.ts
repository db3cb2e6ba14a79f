import { generateSigningKeyPem, type SigningKey, SigningKeyError, signingKeyFromPem } from './signing-key.ts';

/** One key of the file, with the line of comment before it. */
export interface FiledKey {
  readonly pem: string;
  /** Without its `#`; empty when there is none. */
  readonly note: string;
}

/**
 * How far the replacement of the signing key has come, as the file says, so that it can go on after any interruption.
 * `NONE`: one key. `PUBLISHED`: the second is known to all, and signs nothing yet. `SIGNS`: the first is the new one; tokens
 * of the second are good until `until`, and none thereafter.
 */
export type SigningStage = { readonly stage: 'NONE' | 'PUBLISHED' } | { readonly stage: 'SIGNS'; readonly until: Date };

const KEY = /(?:^#[ \t]*(.*)\r?\n)?^(-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]+?^-----END [A-Z ]*PRIVATE KEY-----)$/gm;
const NEXT = 'signs next';
const UNTIL = 'verifies until ';

/** The keys of a file, of which the first signs and all verify; PEM allows comments between them. */
export function parseSigningFile(text: string): readonly [FiledKey, ...FiledKey[]] {
  const [first, ...others] = [...text.matchAll(KEY)].map(([, note = '', pem = '']) => ({ pem, note: note.trim() }));
  if (!first) throw new SigningKeyError('the signing key file holds no private key in PEM');
  return [first, ...others];
}

/** The keys themselves, the one that signs first. */
export function readSigningKeys(text: string): readonly [SigningKey, ...SigningKey[]] {
  const [first, ...others] = parseSigningFile(text);
  return [signingKeyFromPem(first.pem), ...others.map(({ pem }) => signingKeyFromPem(pem))];
}

/** See SigningStage. */
export function signingStage(text: string): SigningStage {
  const [, second, ...more] = parseSigningFile(text);
  if (!second) return { stage: 'NONE' };
  if (more.length === 0 && second.note === NEXT) return { stage: 'PUBLISHED' };
  const until = new Date(second.note.startsWith(UNTIL) ? second.note.slice(UNTIL.length) : Number.NaN);
  if (more.length > 0 || Number.isNaN(until.getTime())) {
    throw new SigningKeyError('the signing key file holds several keys, which no rotation put there');
  }
  return { stage: 'SIGNS', until };
}

/** The file with a new key behind the one that signs. */
export function publishSigningKey(text: string): string {
  const [first] = parseSigningFile(text);
  return format([
    { ...first, note: 'signs' },
    { pem: generateSigningKeyPem().trim(), note: NEXT },
  ]);
}

/** The file whose new key signs; the old one goes at `until`. */
export function promoteSigningKey(text: string, until: Date): string {
  const [old, next] = parseSigningFile(text);
  if (next?.note !== NEXT) throw new SigningKeyError('there is no key that signs next');
  return format([
    { ...next, note: 'signs' },
    { ...old, note: UNTIL + until.toISOString() },
  ]);
}

/** The file without the old key. */
export function retireSigningKey(text: string): string {
  const [first, old] = parseSigningFile(text);
  if (!old?.note.startsWith(UNTIL)) throw new SigningKeyError('there is no key whose time is over');
  return format([first]);
}

function format(keys: readonly FiledKey[]): string {
  return keys.map(({ pem, note }) => `# ${note}\n${pem}\n`).join('');
}
