import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** See spawnLeashed. */
export interface LeashedOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: 'pipe' | 'inherit' | 'ignore';
  readonly stderr: 'pipe' | 'inherit' | 'ignore';
}

const LEASH = fileURLToPath(new URL('./leash.ts', import.meta.url));

/** Runs a program of ours in a process of its own, which does not outlive this one: also when that is killed. */
export function spawnLeashed(
  program: string,
  args: readonly string[],
  { env, stdout, stderr }: LeashedOptions,
): ChildProcess {
  return spawn(process.execPath, ['--import', LEASH, program, ...args], { env, stdio: ['pipe', stdout, stderr] });
}
