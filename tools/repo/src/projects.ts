import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder, absolute. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** One workspace package. */
export interface Project {
  readonly name: string;
  /** Folder relative to the root, for example `libs/rpc`. */
  readonly folder: string;
  /** The `type:` tag without its prefix; what it may depend on stands in `boundaries.ts`. */
  readonly type: string;
  /** Workspace packages it depends on, by name; development ones included. */
  readonly uses: readonly string[];
}

interface Manifest {
  name: string;
  workspaces?: string[];
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  nx?: { tags?: string[] };
}

const read = (path: string): Manifest => JSON.parse(readFileSync(path, 'utf8')) as Manifest;

/** Every workspace package, ordered by folder. */
export function listProjects(): Project[] {
  const patterns = (read(join(ROOT, 'package.json')).workspaces ?? []).map((pattern) => `${pattern}/package.json`);
  return globSync(patterns, { cwd: ROOT })
    .sort()
    .map((path) => {
      const manifest = read(join(ROOT, path));
      const all = { ...manifest.dependencies, ...manifest.devDependencies };
      return {
        name: manifest.name,
        folder: relative(ROOT, dirname(join(ROOT, path))),
        type: manifest.nx?.tags?.find((tag) => tag.startsWith('type:'))?.slice(5) ?? 'untagged',
        uses: Object.keys(all).filter((name) => name.startsWith('@morag/')),
      };
    });
}
