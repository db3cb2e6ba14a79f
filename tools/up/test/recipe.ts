import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from '@jest/globals';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Where a recipe stands, and what it is run with. */
export interface Recipe {
  /** Heading of docs/operations.md. */
  readonly section: string;
  /** Which of the section's blocks of commands; the first unless given. */
  readonly block?: number;
  readonly env: Readonly<Record<string, string>>;
  /** The port that the gateway of the docs stands for. */
  readonly gatewayPort?: number;
}

/** Runs a block of commands of docs/operations.md as it stands there; answers what it printed. */
export async function runRecipe({ section, block = 0, env, gatewayPort }: Recipe): Promise<string> {
  const [, text = ''] = readFileSync(`${ROOT}/docs/operations.md`, 'utf8').split(`\n## ${section}\n`);
  const [own = ''] = text.split('\n## ');
  const [, commands = ''] = [...own.matchAll(/^```sh\n([\s\S]*?)^```$/gm)][block] ?? [];
  expect(commands).not.toBe('');
  const script = gatewayPort ? commands.replaceAll('127.0.0.1:8080', `127.0.0.1:${gatewayPort}`) : commands;
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  return stdout;
}
