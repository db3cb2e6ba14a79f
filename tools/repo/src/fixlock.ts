import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './projects.ts';

/** The part of a package-lock.json (version 3) that matters here; every other field is carried through untouched. */
export interface LockFile {
  packages: Record<
    string,
    { [kind in 'dependencies' | 'devDependencies' | 'optionalDependencies']?: Record<string, string> }
  >;
}

/**
 * Drops the optional dependencies (binaries for other platforms) that the lock file has no package for. A registry that
 * does not serve them leaves such entries behind, and then `npm ci` refuses the lock file although nothing is missing.
 * Returns what was dropped, as `<dependent> -> <dependency>`.
 */
export function dropUnlockedOptionals(lock: LockFile): string[] {
  const dropped: string[] = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      if (isLocked(lock, path, name)) continue;
      delete entry.optionalDependencies?.[name];
      dropped.push(`${path || '(root)'} -> ${name}`);
    }
  }
  return dropped;
}

/** Resolves as Node does: in the dependent's own node_modules, then in each enclosing one. */
function isLocked(lock: LockFile, dependent: string, name: string): boolean {
  for (let folder = dependent; ; folder = enclosing(folder)) {
    if (`${folder ? `${folder}/` : ''}node_modules/${name}` in lock.packages) return true;
    if (folder === '') return false;
  }
}

function enclosing(folder: string): string {
  const at = folder.lastIndexOf('/node_modules/');
  return at < 0 ? '' : folder.slice(0, at);
}

if (import.meta.main) {
  const path = join(ROOT, 'package-lock.json');
  const lock = JSON.parse(readFileSync(path, 'utf8')) as LockFile;
  const dropped = dropUnlockedOptionals(lock);
  if (dropped.length > 0) writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`${dropped.length} optional dependencies without a locked package dropped\n`);
}
