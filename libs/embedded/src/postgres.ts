import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { EmbeddedServerError, endLeftover, pause, type ServerProcess, startServerProcess } from './child.ts';
import { type PostgresHome, settlePostgres } from './postgres-home.ts';

/** What to start. */
export interface PostgresOptions {
  /** Where its data are wanted; made if it does not exist. */
  readonly folder: string;
  /** Loopback port; must be free. */
  readonly port: number;
  /** Of the superuser `postgres`; given to the data folder when it is made. */
  readonly password: string;
  /** Settings as in postgresql.conf, `name=value`. */
  readonly settings?: readonly string[];
}

/** A PostgreSQL server of our own. */
export interface EmbeddedPostgres {
  /** Superuser's URL of the maintenance database. */
  readonly url: string;
  readonly pid: number;
  /** Where its data really are. */
  readonly dataFolder: string;
  /** See PostgresHome. */
  readonly note: string | undefined;
  readonly exited: Promise<void>;
  /** Fast shutdown: running transactions are rolled back, committed ones are safe. */
  stop(): Promise<void>;
}

const run = promisify(execFile);
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 10_000;

/** Starts PostgreSQL on loopback; makes its data folder first if there is none, and recovers after a crash by itself. */
export async function startEmbeddedPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const home = await settlePostgres(options.folder);
  if (!existsSync(join(home.data, 'PG_VERSION'))) await makeDataFolder(home, options.password);
  await endLeftoverServer(home);
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', ...(options.settings ?? [])];
  const server = startServerProcess(
    join(home.programs, 'bin/postgres'),
    ['-D', home.data, '-p', String(options.port), ...settings.flatMap((setting) => ['-c', setting])],
    { cwd: dirname(home.data), account: home.account, env: { LC_ALL: 'C' } },
  );
  const url = `postgresql://postgres:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}/postgres`;
  await untilItAnswers(server, url);
  return {
    url,
    pid: server.pid,
    dataFolder: home.data,
    note: home.note,
    exited: server.exited,
    stop: () => server.stop('SIGINT', STOP_MS_MAX),
  };
}

async function makeDataFolder(home: PostgresHome, password: string): Promise<void> {
  const draft = `${home.data}.new`;
  const secret = `${home.data}.password`;
  rmSync(draft, { recursive: true, force: true });
  writeFileSync(secret, password, { mode: 0o600 });
  if (home.account) chownSync(secret, home.account.uid, home.account.gid);
  const flags = ['--username=postgres', `--pwfile=${secret}`, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'];
  try {
    await run(join(home.programs, 'bin/initdb'), ['-D', draft, ...flags, '--no-instructions'], {
      cwd: dirname(home.data),
      env: { LC_ALL: 'C' },
      ...home.account,
    });
  } catch (cause) {
    const { stderr } = cause as { stderr?: string };
    throw new EmbeddedServerError(`PostgreSQL's data folder cannot be made: ${stderr?.trim() ?? String(cause)}`, {
      cause,
    });
  } finally {
    rmSync(secret, { force: true });
  }
  chmodSync(draft, 0o700);
  renameSync(draft, home.data);
}

/** Ends a PostgreSQL that an owner who was killed left on this folder; the folder must be ours now. */
export async function endLeftoverPostgres(folder: string): Promise<void> {
  if (existsSync(folder)) await endLeftoverServer(await settlePostgres(folder));
}

/** A server whose owner was killed goes on by itself; two on one data folder would destroy it. */
async function endLeftoverServer(home: PostgresHome): Promise<void> {
  const file = join(home.data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (Number.isInteger(pid) && pid > 1) await endLeftover(pid, home.data, 'SIGINT', STOP_MS_MAX);
  rmSync(file, { force: true });
}

async function untilItAnswers(server: ServerProcess, url: string): Promise<void> {
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  for (const deadline = Date.now() + START_MS_MAX; ; await pause(25)) {
    if (ended) throw new EmbeddedServerError(`PostgreSQL ended at once:\n${server.tail()}`);
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      await client.end().catch(() => {});
      if (Date.now() < deadline && !ended) continue;
      await server.stop('SIGQUIT', 1000);
      throw new EmbeddedServerError(`PostgreSQL does not answer: ${(error as Error).message}\n${server.tail()}`);
    }
  }
}
