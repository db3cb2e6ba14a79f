import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { listProjects, type Project, ROOT } from './projects.ts';

/** TypeScript's project references follow from the package manifests; this writes them so that nobody keeps two lists. */
function tsconfigOf(project: Project, byName: ReadonlyMap<string, Project>): string {
  const up = (path: string): string => relative(join(ROOT, project.folder), join(ROOT, path));
  const config = {
    extends: up('tsconfig.base.json'),
    compilerOptions: { rootDir: '.', outDir: 'dist', tsBuildInfoFile: 'dist/tsconfig.tsbuildinfo' },
    include: ['src', 'test', '*.ts'],
    references: project.uses.flatMap((name) => {
      const target = byName.get(name);
      return target ? [{ path: up(target.folder) }] : [];
    }),
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Writes (or with `check` only compares) every tsconfig.json; returns the files that differed. */
export function syncReferences(check: boolean): string[] {
  const projects = listProjects();
  const byName = new Map(projects.map((project) => [project.name, project]));
  const wanted = new Map(projects.map((project) => [`${project.folder}/tsconfig.json`, tsconfigOf(project, byName)]));
  const root = { files: [], references: projects.map(({ folder }) => ({ path: folder })) };
  wanted.set('tsconfig.json', `${JSON.stringify(root, null, 2)}\n`);
  const stale = [...wanted].filter(([path, text]) => readOr(join(ROOT, path)) !== text);
  if (!check) for (const [path, text] of stale) writeFileSync(join(ROOT, path), text);
  return stale.map(([path]) => path);
}

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  for (const path of syncReferences(false)) process.stdout.write(`wrote ${path}\n`);
}
