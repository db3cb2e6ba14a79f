import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@morag/embedded';
import { spawnLeashed } from './spawn-leashed.ts';

/** A whole system that `npm start` would run, on free ports and in a folder of its own. */
export interface Installation {
  readonly gateway: string;
  readonly ports: Readonly<Record<PortName, number>>;
  readonly folder: string;
  /** Starts it and resolves with all it printed when `until` has been printed. */
  start(args?: readonly string[], until?: string): Promise<string>;
  /** Ctrl-C; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** `kill -9` of the starter and of everything that it started. */
  kill(): Promise<void>;
  /** Calls the gateway as the administrator. */
  call<T>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }>;
  token(): Promise<string>;
  remove(): Promise<void>;
}

const PORTS = ['gateway', 'identity', 'servers', 'documents', 'postgres', 'chroma'] as const;
type PortName = (typeof PORTS)[number];

const MAIN = fileURLToPath(new URL('../../../tools/up/src/main.ts', import.meta.url));
const READY = 'MoRAG is ready at';
const START_MS_MAX = 120_000;

/** Prepares one; `env` adds to its environment. */
export async function newInstallation(env: Record<string, string> = {}): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'morag-up-'));
  const entries = await Promise.all(PORTS.map(async (name) => [name, await freePort()] as const));
  const ports = Object.fromEntries(entries) as Record<PortName, number>;
  const variables = Object.fromEntries(
    entries.map(([name, port]) => [`MORAG_${name.toUpperCase()}_PORT`, String(port)]),
  );
  const gateway = `http://127.0.0.1:${ports.gateway}`;
  let child: ChildProcess | undefined;

  return {
    gateway,
    ports,
    folder,
    async start(args = [], until = READY) {
      const started = spawnLeashed(MAIN, args, {
        env: { PATH: process.env.PATH, HOME: folder, MORAG_DATA_DIR: folder, ...variables, ...env },
        stdout: 'pipe',
        stderr: 'pipe',
      });
      child = started;
      return untilPrinted(started, until);
    },
    async stop() {
      return child ? end(child, 'SIGINT') : null;
    },
    async kill() {
      if (child?.pid === undefined) return;
      const tree = descendants(child.pid);
      const gone = end(child, 'SIGKILL');
      for (const pid of tree) killQuietly(pid);
      await gone;
    },
    ...createCaller(gateway, folder),
    async remove() {
      if (child && child.exitCode === null && child.signalCode === null) await end(child, 'SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Calls a gateway as the administrator whose credentials lie in the folder. */
function createCaller(gateway: string, folder: string): Pick<Installation, 'call' | 'token'> {
  const json = { 'content-type': 'application/json' };
  const token = async (): Promise<string> => {
    const text = readFileSync(join(folder, 'credentials.json'), 'utf8');
    const { email, password } = JSON.parse(text) as Record<string, string>;
    const body = JSON.stringify({ email, password });
    const response = await fetch(`${gateway}/v1/auth/login`, { method: 'POST', headers: json, body });
    return ((await response.json()) as { accessToken: string }).accessToken;
  };
  return {
    token,
    async call<T>(method: string, path: string, body?: unknown) {
      const headers = { authorization: `Bearer ${await token()}`, ...(body !== undefined && json) };
      const content = body === undefined ? {} : { body: JSON.stringify(body) };
      const response = await fetch(gateway + path, { method, headers, ...content });
      return { status: response.status, body: (await response.json()) as T };
    },
  };
}

function untilPrinted(child: ChildProcess, until: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const timer = setTimeout(() => reject(new Error(`not printed in time: ${until}\n${printed}`)), START_MS_MAX);
    const read = (text: string): void => {
      printed += text;
      if (!printed.includes(until)) return;
      clearTimeout(timer);
      resolve(printed);
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code} before printing ${until}\n${printed}`));
    });
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill(signal);
  return exited;
}

/** Every process below one, by /proc; those that run detached from it are children all the same. */
function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(/\s+/)
      .filter(Boolean)
      .map(Number);
    return children.flatMap((id) => [id, ...descendants(id)]);
  } catch {
    return [];
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
