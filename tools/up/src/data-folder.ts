import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isAlive } from '@morag/embedded';
import { StartError } from './start-error.ts';

/** The folder in which an installation keeps everything, held by one process at a time. */
export interface DataFolder {
  readonly path: string;
  /** Path of something inside. */
  at(...parts: string[]): string;
  /** Lets the next start have it. */
  release(): void;
}

/** Makes the folder if there is none, and holds it; a second start on it fails with the pid of the first. */
export function openDataFolder(wanted: string): DataFolder {
  const path = resolve(wanted);
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw unusable(path, error);
  }
  const lock = join(path, 'morag.pid');
  takeLock(lock, path);
  return {
    path,
    at: (...parts) => join(path, ...parts),
    release: () => rmSync(lock, { force: true }),
  };
}

/** The lock is a file with our pid, made in one step; one whose owner is dead is taken away first. */
function takeLock(lock: string, path: string): void {
  const own = `${lock}.${process.pid}`;
  try {
    writeFileSync(own, String(process.pid));
  } catch (error) {
    throw unusable(path, error);
  }
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (tryLink(own, lock)) return;
      const pid = Number(readFileSync(lock, 'utf8'));
      if (pid !== process.pid && isAlive(pid, 'node')) {
        throw new StartError(`${path} is in use by process ${pid}; stop it, or set MORAG_DATA_DIR to another folder`);
      }
      rmSync(lock, { force: true });
    }
    throw new StartError(`${path} cannot be locked: another start is under way`);
  } finally {
    rmSync(own, { force: true });
  }
}

function tryLink(own: string, lock: string): boolean {
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function unusable(path: string, error: unknown): StartError {
  const { code } = error as NodeJS.ErrnoException;
  return new StartError(`${path} cannot be written (${code}); set MORAG_DATA_DIR to a folder that can`);
}
