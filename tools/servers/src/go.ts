import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { LabError } from './lab-server.ts';

const run = promisify(execFile);
/** On the path, and where the makers of Go put it. */
const CANDIDATES = ['go', '/usr/local/go/bin/go'];
/** A large program takes minutes on two idle cores, and several times that on busy ones. */
const BUILD_TIMEOUT_MS = 1_800_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const ERROR_LENGTH_MAX = 4_000;

/** A program in a module of Go. What the proxy delivers is checked against Go's checksum database. */
export interface GoProgram {
  readonly path: string;
  readonly version: string;
}

/** Builds a program into a file; whatever interrupts it, a file that is there is whole. */
export async function buildGoProgram({ path, version }: GoProgram, file: string): Promise<void> {
  const go = await findGo();
  const folder = `${file}.building-${process.pid}`;
  mkdirSync(folder, { recursive: true });
  try {
    // Others go on working meanwhile: a build would take every core.
    await run('nice', [go, 'install', `${path}@${version}`], {
      env: { ...process.env, GOBIN: folder },
      timeout: BUILD_TIMEOUT_MS,
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    copyFileSync(join(folder, basename(path)), `${folder}.new`);
    renameSync(`${folder}.new`, file);
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    const text = stderr?.trim().slice(-ERROR_LENGTH_MAX) || String(error);
    throw new LabError(`go cannot build ${path} ${version}:\n${text}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function findGo(): Promise<string> {
  for (const candidate of [process.env.GO, ...CANDIDATES]) {
    if (!candidate) continue;
    try {
      await run(candidate, ['version']);
      return candidate;
    } catch {
      // The next one may be there.
    }
  }
  throw new LabError('No Go was found; on Debian: apt-get install golang, or https://go.dev/dl. GO names another one.');
}
