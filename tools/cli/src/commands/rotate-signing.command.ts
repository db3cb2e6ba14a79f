import { setTimeout as delay } from 'node:timers/promises';
import { KEYS_COOLDOWN_MS } from '@morag/auth';
import { identityConfig } from '@morag/config';
import { KEY_WATCH_MS } from '@morag/crypto';
import { rotateSigningKey } from '@morag/identity';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import type { Context } from '../context.ts';
import { installationEnvironment } from '../installation-environment.ts';

/** Identity looks at its file this often; services ask it for unknown keys after the second. */
const SETTLE_SECONDS = (3 * KEY_WATCH_MS + KEYS_COOLDOWN_MS) / 1_000;

/** `morag keys rotate-signing`: the key that access tokens are signed with, in its file alone. */
export function addRotateSigning(keys: Command, context: Context): void {
  keys
    .command('rotate-signing')
    .description('replaces the key of access tokens while everything runs; may be interrupted anywhere and repeated')
    .option('--settle <seconds>', 'how long a changed file takes to reach every program', String(SETTLE_SECONDS))
    .action(async ({ settle }: { settle: string }) => {
      const settleMs = Number(settle) * 1_000;
      if (!(settleMs >= 0)) throw new CliError('--settle takes seconds');
      const env = installationEnvironment(context.env);
      const { jwtSigningKeyFile: file, accessTokenTtlSeconds } = identityConfig(env);
      await rotateSigningKey({
        file,
        ttlMs: accessTokenTtlSeconds * 1_000,
        settleMs,
        wait: (ms) => delay(ms),
        report: (line) => process.stderr.write(`${line}\n`),
      });
      context.output.text(`Access tokens are signed by the new key; the one before it is gone from ${file}.`, { file });
    });
}
