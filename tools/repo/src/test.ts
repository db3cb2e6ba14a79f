import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '@morag/testing';
import { toolEnvironment } from './command.ts';
import { listProjects, type Project, ROOT } from './projects.ts';
import { judge, readSkips, summaryOf } from './test-report.ts';

/** Projects whose tests run at once; each runs its files one after the other. */
const PARALLEL = '2';

/** After an interruption the tests have this long to stop what they started. */
const STOP_MS = 10_000;

/** The projects that the arguments name (`servers`, `@morag/servers` or `services/servers`); all without arguments. */
function select(names: readonly string[]): Project[] {
  const projects = listProjects();
  const answersTo = ({ name, folder }: Project): string[] => [name, name.replace('@morag/', ''), folder];
  const unknown = names.filter((name) => !projects.some((project) => answersTo(project).includes(name)));
  if (unknown.length > 0) {
    process.stderr.write(`no such project: ${unknown.join(', ')}\n`);
    process.exit(2);
  }
  return names.length === 0
    ? projects
    : projects.filter((project) => answersTo(project).some((name) => names.includes(name)));
}

/** Runs the `test` target of the projects through Nx; answers its exit code, or undefined when it was interrupted. */
function runTargets(projects: readonly Project[], env: NodeJS.ProcessEnv): Promise<number | undefined> {
  const names = projects.map(({ name }) => name).join(',');
  const args = ['run-many', '-t', 'test', '-p', names, `--parallel=${PARALLEL}`, '--outputStyle=stream'];
  // A process group of its own, so that an interruption can reach Nx, Jest and whatever the tests started.
  const nx = spawn('nx', args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  let interrupted = false;
  const signalGroup = (signal: NodeJS.Signals): void => {
    try {
      if (nx.pid) process.kill(-nx.pid, signal);
    } catch {
      // The group has ended by itself.
    }
  };
  const interrupt = (): void => {
    interrupted = true;
    signalGroup('SIGTERM');
    setTimeout(() => signalGroup('SIGKILL'), STOP_MS).unref();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return new Promise((resolve, reject) => {
    nx.once('error', reject);
    nx.once('close', (code) => resolve(interrupted ? undefined : (code ?? 1)));
  });
}

const projects = select(process.argv.slice(2));
const folder = mkdtempSync(join(tmpdir(), 'morag-tests-'));
const files = { counts: join(folder, 'counts.jsonl'), skips: join(folder, 'skips.jsonl') };
for (const file of Object.values(files)) writeFileSync(file, '');
const postgres = await startPostgres();
try {
  const exitCode = await runTargets(projects, {
    ...toolEnvironment(),
    MORAG_TEST_DATABASE_URL: postgres.url,
    MORAG_TEST_COUNTS: files.counts,
    MORAG_TEST_SKIPS: files.skips,
  });
  if (exitCode === undefined) {
    process.exitCode = 130;
  } else {
    for (const { what, why } of readSkips(readFileSync(files.skips, 'utf8'))) {
      process.stdout.write(`skipped ${what}: ${why}\n`);
    }
    const { counts, complaints } = judge(readFileSync(files.counts, 'utf8'), exitCode);
    for (const complaint of complaints) process.stdout.write(`${complaint}\n`);
    process.stdout.write(`${summaryOf(counts)}\n`);
    process.exitCode = counts.failed > 0 ? 1 : 0;
  }
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
