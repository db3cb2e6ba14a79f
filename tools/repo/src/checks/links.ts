import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CommandResult } from '../command.ts';
import { ROOT } from '../projects.ts';
import { mistakes } from './result.ts';

const PAGES = ['*.md', 'docs/**/*.md', '{libs,services,tools}/*/*.md', 'libs/connectors/*/*.md'];

/** Every relative link of the documents leads to a file of the repository. */
export function checkLinks(): CommandResult {
  return mistakes(
    globSync(PAGES, { cwd: ROOT })
      .sort()
      .flatMap((page) =>
        linksOf(readFileSync(join(ROOT, page), 'utf8'))
          .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
          .map((target) => `${page}: there is no ${target}`),
      ),
  );
}

/** The files that a Markdown text links to or shows, without fragments; addresses with a scheme are not followed. */
export function linksOf(markdown: string): string[] {
  const prose = markdown.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
    .map(([, target]) => decodeURIComponent(target ?? ''))
    .filter((target) => !/^[a-z]+:/i.test(target));
}
