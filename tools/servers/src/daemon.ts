import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { LabError } from './lab-server.ts';

const POLL_MS = 50;
const LOG_LINES = 15;

export interface DaemonSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly account?: { uid: number; gid: number };
  readonly pidFile: string;
  readonly logFile: string;
  /** Part of the command line, so that a reused pid is not taken for the server. */
  readonly mark: string;
  readonly port: number;
}

/** Starts a program that outlives this one, and waits until `isReady`. */
export async function startDaemon(spec: DaemonSpec, isReady: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  const log = openSync(spec.logFile, 'a', 0o644);
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: { ...process.env, ...spec.env },
    stdio: ['ignore', log, log],
    detached: true,
    ...spec.account,
  });
  closeSync(log);
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  child.unref();
  if (child.pid !== undefined) writeFileSync(spec.pidFile, `${child.pid}\n`);
  const until = performance.now() + timeoutMs;
  while (performance.now() < until) {
    if (failure) throw new LabError(`${spec.command} cannot be started: ${failure.message}`);
    if (child.exitCode !== null || child.signalCode !== null) break;
    if (await isReady()) return;
    await delay(POLL_MS);
  }
  await stopDaemon(spec, 'SIGKILL');
  throw new LabError(`${spec.mark} did not come up; the end of ${spec.logFile}:\n${endOf(spec.logFile)}`);
}

/** Sends the signal and waits until the program is gone; one that ignores it for 20 s is killed. */
export async function stopDaemon(
  spec: Pick<DaemonSpec, 'pidFile' | 'mark' | 'port'>,
  signal: NodeJS.Signals,
): Promise<void> {
  const pid = livePid(spec);
  if (pid !== undefined) {
    process.kill(pid, signal);
    const until = performance.now() + 20_000;
    // Its other threads, and with them its sockets, may outlive the one that the pid is of.
    while (livePid(spec) !== undefined || (await isListening(spec.port))) {
      if (performance.now() > until) {
        if (livePid(spec) === undefined) throw new LabError(`Port ${spec.port} is still in use.`);
        process.kill(pid, 'SIGKILL');
      }
      await delay(POLL_MS);
    }
  }
  rmSync(spec.pidFile, { force: true });
}

/** The program's pid, if it lives: a dead one that nobody has reaped, or a reused pid, does not count. */
export function livePid({ pidFile, mark }: Pick<DaemonSpec, 'pidFile' | 'mark'>): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.[0];
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    if (state === 'Z' || state === 'X') return undefined;
    // A program that is being killed loses its command line before its sockets.
    return command === '' || command.includes(mark) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** True when something listens there. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (listening: boolean) => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

function endOf(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_LINES).join('\n');
}
