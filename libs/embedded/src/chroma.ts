import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EmbeddedServerError, endLeftover, pause, startServerProcess } from './child.ts';

/** What to start. */
export interface ChromaOptions {
  /** Where its data are; made if it does not exist. */
  readonly folder: string;
  /** Loopback port; must be free. */
  readonly port: number;
}

/** A Chroma server of our own. */
export interface EmbeddedChroma {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

const START_MS_MAX = 30_000;
const STOP_MS_MAX = 5_000;
const HOST_PROGRAM = fileURLToPath(new URL('./chroma-host.mjs', import.meta.url));

/** Starts the Chroma server of the npm bindings (1.0.0) on loopback, in a process of its own. */
export async function startEmbeddedChroma({ folder, port }: ChromaOptions): Promise<EmbeddedChroma> {
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true });
  await endLeftoverChroma(folder);
  const server = startServerProcess(process.execPath, [HOST_PROGRAM, data, String(port)], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
  });
  writeFileSync(join(folder, 'chroma.pid'), String(server.pid));
  const url = `http://127.0.0.1:${port}`;
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  for (const deadline = Date.now() + START_MS_MAX; !(await answers(url)); await pause(25)) {
    if (!ended && Date.now() < deadline) continue;
    if (!ended) await server.stop('SIGKILL', 0);
    throw new EmbeddedServerError(`Chroma ${ended ? 'ended at once' : 'does not answer'}:\n${server.tail()}`);
  }
  return {
    host: '127.0.0.1',
    port,
    url,
    pid: server.pid,
    exited: server.exited,
    async stop() {
      await server.stop('SIGTERM', STOP_MS_MAX);
      rmSync(join(folder, 'chroma.pid'), { force: true });
    },
  };
}

/**
 * Ends a Chroma that an owner who was killed left on this folder; the folder must be ours now. Chroma does not lock its
 * data, so nothing but this keeps a second server off them.
 */
export async function endLeftoverChroma(folder: string): Promise<void> {
  const data = join(folder, 'data');
  const file = join(folder, 'chroma.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8'));
  if (Number.isInteger(pid) && pid > 1) await endLeftover(pid, data, 'SIGTERM', STOP_MS_MAX);
  rmSync(file, { force: true });
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/api/v2/heartbeat`, { signal: AbortSignal.timeout(1000) });
    return response.ok;
  } catch {
    return false;
  }
}
