import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { CommandResult } from '../command.ts';
import { dropUnlockedOptionals, type LockFile } from '../fixlock.ts';
import { listProjects, ROOT } from '../projects.ts';
import { syncReferences } from '../references.ts';
import { mistakes } from './result.ts';

type Manifest = LockFile['packages'][string];

/** The project references in every tsconfig.json follow from the package manifests. */
export function checkReferences(): CommandResult {
  return mistakes(
    syncReferences(true).map((path) => `${path} does not follow from the package manifests`),
    'run: node tools/repo/src/references.ts',
  );
}

/** `npm ci` accepts a lock file only if it says what the manifests say and holds a package for all that it names. */
export function checkLockFile(): CommandResult {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as LockFile;
  const behind = ['', ...listProjects().map(({ folder }) => folder)].filter((folder) => !agrees(lock, folder));
  return mistakes(
    [
      ...behind.map((folder) => `package-lock.json does not follow from ${join(folder, 'package.json')}`),
      ...dropUnlockedOptionals(lock).map((entry) => `package-lock.json: ${entry} has no package`),
    ],
    'run: npm install && node tools/repo/src/fixlock.ts',
  );
}

function agrees(lock: LockFile, folder: string): boolean {
  const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest;
  const locked = lock.packages[folder] ?? {};
  return (['dependencies', 'devDependencies'] as const).every((kind) =>
    isDeepStrictEqual(manifest[kind] ?? {}, locked[kind] ?? {}),
  );
}
