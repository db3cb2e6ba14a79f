import { ConfigError } from '@morag/config';
import { readArguments, USAGE, UsageError } from './arguments.ts';
import { StartError } from './start-error.ts';
import { up } from './up.ts';

/** Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted before it was ready. */
async function main(): Promise<number> {
  const { folder, help } = readArguments(process.argv.slice(2));
  if (help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
  return up({ env: process.env, folder, signal: interrupted.signal });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const isForPeople = [ConfigError, UsageError, StartError].some((type) => error instanceof type);
    process.stderr.write(`${isForPeople ? (error as Error).message : String((error as Error).stack ?? error)}\n`);
    process.exit(error instanceof ConfigError || error instanceof UsageError ? 2 : 1);
  },
);
