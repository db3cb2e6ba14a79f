import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A server of ours that did not start, with the end of what it said. */
export class EmbeddedServerError extends Error {
  override readonly name = 'EmbeddedServerError';
}

/** A server process that we started and watch. */
export interface ServerProcess {
  readonly pid: number;
  /** Settles when the process has ended, however it did. */
  readonly exited: Promise<void>;
  /** The last lines that it printed. */
  tail(): string;
  /** Asks it to end with `signal`, and kills it after `graceMs`. */
  stop(signal: NodeJS.Signals, graceMs: number): Promise<void>;
}

/** Who the process runs as; nothing means as we do. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const TAIL_BYTES = 4000;

/**
 * Starts a server in a session of its own, so that Ctrl-C reaches only us and we can stop things in order. What it
 * prints is kept only as a tail.
 */
export function startServerProcess(
  command: string,
  args: readonly string[],
  { cwd, account, env }: { cwd: string; account?: Account | undefined; env?: NodeJS.ProcessEnv },
): ServerProcess {
  const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env, ...account });
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      tail = (tail + text).slice(-TAIL_BYTES);
    });
  }
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      tail += error.message;
      resolve();
    });
  });
  return {
    pid: child.pid ?? -1,
    exited,
    tail: () => tail.trim().split('\n').slice(-5).join('\n'),
    stop: (signal, graceMs) => stopChild(child, exited, signal, graceMs),
  };
}

async function stopChild(
  child: ChildProcess,
  exited: Promise<void>,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exited;
  clearTimeout(timer);
}

/**
 * Whether `pid` is a living process whose command line holds `marker`. A zombie (a killed child that nobody has reaped,
 * common in containers) is not alive, and neither is another program that got the pid since. Where there is no /proc,
 * the pid alone decides.
 */
export function isAlive(pid: number, marker: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')[0];
    if (state === 'Z') return false;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(marker);
  } catch {
    return process.platform !== 'linux';
  }
}

/** Ends a process that an owner who died left behind: first politely, then for good. */
export async function endLeftover(pid: number, marker: string, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  if (!isAlive(pid, marker)) return;
  process.kill(pid, signal);
  for (const deadline = Date.now() + graceMs; isAlive(pid, marker); await pause(50)) {
    if (Date.now() > deadline) {
      process.kill(pid, 'SIGKILL');
      return;
    }
  }
}

/** Waits a little between two looks. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
