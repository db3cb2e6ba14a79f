import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './projects.ts';

/** What a command left behind. */
export interface CommandResult {
  readonly ok: boolean;
  /** Standard output and error in the order they came, without trailing white space. */
  readonly output: string;
}

/** The environment of every child: the project's own Node 26 and tools first on the path, nothing sent anywhere. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH ?? ''}`,
    NX_DAEMON: 'false',
    NX_NO_CLOUD: 'true',
    NX_TUI: 'false',
    // Nx would otherwise make every child colour its output, also into a file.
    ...(process.stdout.isTTY ? {} : { FORCE_COLOR: '0' }),
  };
}

/** Runs a command at the repository's root and collects what it prints; never rejects. */
export function run(command: string, args: readonly string[]): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, env: toolEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', (error) => resolve({ ok: false, output: error.message }));
    child.once('close', (code) =>
      resolve({ ok: code === 0, output: Buffer.concat(chunks).toString('utf8').trimEnd() }),
    );
  });
}
