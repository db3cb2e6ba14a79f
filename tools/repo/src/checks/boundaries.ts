import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandResult } from '../command.ts';
import { listProjects, type Project, ROOT } from '../projects.ts';
import { importsOf } from './imports.ts';
import { mistakes } from './result.ts';
import { violationsOf } from './rules.ts';

/** Every import of every source file keeps to the direction of the layers. */
export function checkBoundaries(): CommandResult {
  const projects = listProjects();
  const byName = new Map(projects.map((project) => [project.name, project]));
  return mistakes(projects.flatMap((project) => sourcesOf(project).flatMap((path) => inFile(project, path, byName))));
}

function inFile(project: Project, path: string, byName: ReadonlyMap<string, Project>): string[] {
  return importsOf(path, readFileSync(join(ROOT, path), 'utf8')).flatMap((specifier) =>
    violationsOf({ path, project, specifier }, byName).map((why) => `${path}: imports ${specifier}: ${why}`),
  );
}

/** Paths from the root. A package never holds another one, so its folder is all its own. */
function sourcesOf({ folder }: Project): string[] {
  return globSync([`${folder}/{src,test}/**/*.{ts,mjs}`, `${folder}/*.ts`], { cwd: ROOT }).sort();
}
