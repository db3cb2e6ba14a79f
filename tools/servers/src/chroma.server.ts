import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DaemonSpec, isListening, livePid, startDaemon, stopDaemon } from './daemon.ts';
import { serversFolder } from './folders.ts';
import { LabError, type LabServer, type Registration, type StartOptions } from './lab-server.ts';
import { findPython, installWheel } from './python.ts';

const WHEEL = {
  name: 'chromadb',
  version: '1.5.9',
  sha256: 'cc09b3df76e5a5cb386aed2715a2eea152e3949f9e1ba93c7119505377749929',
};
const START_TIMEOUT_MS = 20_000;
const PROGRAM =
  'import sys; sys.path.insert(0, sys.argv.pop(1)); import chromadb_rust_bindings as b; b.cli(["chroma"] + sys.argv[1:])';

/** Chroma's server in Rust, out of the Python wheel; of Python itself it needs the interpreter alone. */
export const chromaServer: LabServer = {
  defaultPort: 18_010,
  version: WHEEL.version,
  isInstalled: () => existsSync(pythonFile()),

  async install() {
    if (chromaServer.isInstalled()) return;
    const target = libraryFolder();
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    const python = await findPython();
    await installWheel(WHEEL, target);
    for (const unused of ['chromadb', 'schemas', 'bin']) rmSync(join(target, unused), { recursive: true, force: true });
    chmodSync(target, 0o755);
    writeFileSync(pythonFile(), python);
  },

  async start(options) {
    await chromaServer.install();
    const spec = specOf(options, readFileSync(pythonFile(), 'utf8'));
    if (livePid(spec) === undefined) {
      if (await isListening(options.port)) throw new LabError(`Port ${options.port} is taken by another program.`);
      mkdirSync(options.data, { recursive: true });
      await startDaemon(spec, () => isChroma(options.port), START_TIMEOUT_MS);
    }
    return registrationOf(options.port);
  },

  stop: (options) => stopDaemon(specOf(options), 'SIGTERM'),
  kill: (options) => stopDaemon(specOf(options), 'SIGKILL'),
};

/** True when Chroma answers there. */
export async function isChroma(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v2/heartbeat`, { signal: AbortSignal.timeout(2_000) });
    return answer.ok && 'nanosecond heartbeat' in ((await answer.json()) as object);
  } catch {
    return false;
  }
}

/** A local server asks for no credentials. */
export function registrationOf(port: number): Registration {
  return {
    type: 'CHROMA',
    host: '127.0.0.1',
    port,
    username: '',
    password: '',
    apiKey: '',
    database: 'default_database',
    config: {},
  };
}

function specOf({ port, data }: StartOptions, python = ''): DaemonSpec {
  const library = libraryFolder();
  return {
    command: python,
    args: ['-c', PROGRAM, library, 'run', '--path', data, '--host', '127.0.0.1', '--port', String(port)],
    cwd: data,
    pidFile: `${data}.pid`,
    logFile: `${data}.log`,
    mark: data,
    port,
  };
}

function libraryFolder(): string {
  return join(serversFolder(), `chroma-${WHEEL.version}`);
}

function pythonFile(): string {
  return join(libraryFolder(), 'python');
}
