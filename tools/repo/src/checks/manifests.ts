import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandResult } from '../command.ts';
import { dropUnlockedOptionals, type LockFile } from '../fixlock.ts';
import { ROOT } from '../projects.ts';
import { syncReferences } from '../references.ts';
import { mistakes } from './result.ts';

/** The project references in every tsconfig.json follow from the package manifests. */
export function checkReferences(): CommandResult {
  return mistakes(
    syncReferences(true).map((path) => `${path} does not follow from the package manifests`),
    'run: node tools/repo/src/references.ts',
  );
}

/** `npm ci` accepts the lock file only without optional dependencies that it holds no package for. */
export function checkLockFile(): CommandResult {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as LockFile;
  return mistakes(
    dropUnlockedOptionals(lock).map((entry) => `package-lock.json: ${entry} has no package`),
    'run: node tools/repo/src/fixlock.ts',
  );
}
