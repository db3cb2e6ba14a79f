import { readFile } from 'node:fs/promises';
import { writeSecretFile } from '@morag/crypto';
import { promoteSigningKey, publishSigningKey, retireSigningKey, signingStage } from './signing-file.ts';

/** See rotateSigningKey. */
export interface SigningRotation {
  readonly file: string;
  /** How long an access token is valid. */
  readonly ttlMs: number;
  /** How long a changed file takes to reach every instance of identity, and its keys every service. */
  readonly settleMs: number;
  readonly wait: (ms: number) => Promise<void>;
  /** Told what is done, and what is waited for. */
  readonly report: (line: string) => void;
}

/**
 * Replaces the key that signs access tokens while everything runs: publishes a new one, signs with it when all know it,
 * and withdraws the old one when its last token has run out. Each stage stands in the file before the next begins, so
 * whatever interrupts it, the next call goes on.
 */
export async function rotateSigningKey({ file, ttlMs, settleMs, wait, report }: SigningRotation): Promise<void> {
  let text = await readFile(file, 'utf8');
  const write = async (changed: string, line: string): Promise<void> => {
    await writeSecretFile(file, changed);
    text = changed;
    report(line);
  };
  if (signingStage(text).stage === 'NONE') await write(publishSigningKey(text), 'the new key is published');
  if (signingStage(text).stage === 'PUBLISHED') {
    await wait(settleMs);
    // The old key may sign on for as long as the file takes to be seen.
    const until = new Date(Date.now() + ttlMs + settleMs);
    await write(promoteSigningKey(text, until), `the new key signs; the old one goes at ${until.toISOString()}`);
  }
  const last = signingStage(text);
  if (last.stage === 'SIGNS') await wait(Math.max(0, last.until.getTime() - Date.now()));
  await write(retireSigningKey(text), 'the old key is gone');
}
