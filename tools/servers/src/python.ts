import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LabError } from './lab-server.ts';

const run = promisify(execFile);
const CANDIDATES = ['python3', 'python3.13', 'python3.12', 'python3.11', '/usr/bin/python3'];
const INSTALL_TIMEOUT_MS = 300_000;

export interface Wheel {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the wheel for Linux on x86_64; other machines get theirs unpinned. */
  readonly sha256: string;
}

/** The first Python that has pip. */
export async function findPython(): Promise<string> {
  for (const candidate of [process.env.PYTHON, ...CANDIDATES]) {
    if (!candidate) continue;
    try {
      await run(candidate, ['-m', 'pip', '--version']);
      return candidate;
    } catch {
      // The next one may have it.
    }
  }
  throw new LabError(
    'No python3 with pip was found; on Debian: apt-get install python3-pip. PYTHON names another one.',
  );
}

/** Unpacks a wheel, without what it depends on, into an empty folder. */
export async function installWheel(wheel: Wheel, target: string): Promise<void> {
  const python = await findPython();
  const pinned = process.platform === 'linux' && process.arch === 'x64';
  const requirements = join(target, 'requirements.txt');
  writeFileSync(requirements, `${wheel.name}==${wheel.version}${pinned ? ` --hash=sha256:${wheel.sha256}` : ''}\n`);
  const options = ['--quiet', '--disable-pip-version-check', '--root-user-action=ignore', '--no-deps', '--no-compile'];
  const only = ['--only-binary', ':all:', '--target', target, '--upgrade'];
  try {
    await run(python, ['-m', 'pip', 'install', ...options, ...only, '-r', requirements], {
      timeout: INSTALL_TIMEOUT_MS,
    });
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new LabError(`pip cannot install ${wheel.name} ${wheel.version}:\n${stderr.trim() || String(error)}`);
  } finally {
    rmSync(requirements, { force: true });
  }
}
