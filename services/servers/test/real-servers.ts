import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Server_DatabaseType } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { freePort } from '@morag/testing';

const run = promisify(execFile);
const TOOL = fileURLToPath(new URL('../../../tools/servers/src/main.ts', import.meta.url));
const START_MS_MAX = 120_000;

/** A real database server on loopback that a test may kill. */
export interface RealServer {
  readonly port: number;
  /** What a registration needs, but for the port when a proxy stands before it. */
  readonly registration: object;
  start(): Promise<void>;
  /** SIGKILL: nothing is flushed. */
  kill(): void;
  /** SIGSTOP and SIGCONT. */
  freeze(isFrozen: boolean): void;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/** Starts one, as `npm run servers` does. */
export async function startRealServer(vendor: 'chroma' | 'pgvector' | 'weaviate'): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), `morag-real-${vendor}-`));
  // PostgreSQL runs under an account of its own where the tests run as root.
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  const port = await freePort();
  const tool = async (command: string): Promise<string> => {
    const args = [TOOL, command, vendor, '--port', String(port), '--data', data];
    const { stdout } = await run(process.execPath, args, { timeout: START_MS_MAX });
    return stdout.trim().split('\n').at(-1) ?? '';
  };
  const signal = (name: NodeJS.Signals): void => {
    process.kill(Number(readFileSync(`${data}.pid`, 'utf8')), name);
  };
  const { type, ...rest } = JSON.parse(await tool('start')) as { type: keyof typeof Server_DatabaseType };
  return {
    port,
    registration: { ...rest, type: Server_DatabaseType[type] },
    async start() {
      await tool('start');
    },
    kill: () => signal('SIGKILL'),
    freeze: (isFrozen) => signal(isFrozen ? 'SIGSTOP' : 'SIGCONT'),
    async remove() {
      await tool('stop');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
