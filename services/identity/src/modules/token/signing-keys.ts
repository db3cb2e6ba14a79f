import { readFile } from 'node:fs/promises';
import { type AccessTokens, createAccessTokens } from '@morag/auth';
import { followFiles, KEY_WATCH_MS } from '@morag/crypto';
import { readSigningKeys } from './signing-file.ts';
import { type PublicJwk, SigningKeyError } from './signing-key.ts';

/** The keys of access tokens, as their file has them now. */
export interface SigningKeys {
  /** Signed by the first of the file. */
  readonly accessTokens: AccessTokens;
  /** All of them; the one that signs comes first. */
  published(): readonly PublicJwk[];
  /** Stops looking at the file. */
  close(): void;
}

/** See openSigningKeys. */
export interface SigningKeysOptions {
  readonly ttlSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told when a changed file cannot be used; the keys stay as they were. */
  readonly onProblem: (error: unknown) => void;
}

/** Reads them, and again when the file changes. Rejects with SigningKeyError. */
export async function openSigningKeys(
  file: string,
  { ttlSeconds, now, onProblem }: SigningKeysOptions,
): Promise<SigningKeys> {
  const load = async () => {
    try {
      return readSigningKeys(await readFile(file, 'utf8'));
    } catch (cause) {
      if (cause instanceof SigningKeyError) throw cause;
      throw new SigningKeyError(`the signing key file ${file} cannot be read as PEM private keys`, { cause });
    }
  };
  const followed = await followFiles([file], load, { everyMs: KEY_WATCH_MS, onProblem });
  return {
    accessTokens: {
      issue(claims, atMs) {
        const [{ privateKey, publicJwk }] = followed.current();
        return createAccessTokens({ privateKey, kid: publicJwk.kid, ttlSeconds, now }).issue(claims, atMs);
      },
    },
    published: () => followed.current().map(({ publicJwk }) => publicJwk),
    close: followed.close,
  };
}
