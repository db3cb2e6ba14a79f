import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** Every test that docs/security.md names: `file` «test», «test»; … */
function citations(page: string): [file: string, test: string][] {
  const found: [string, string][] = [];
  for (const [, file = '', tests = ''] of page.matchAll(/`([\w./-]+\.spec\.ts)` («[^|`]*»)/g)) {
    for (const [, test = ''] of tests.matchAll(/«([^»]*)»/g)) found.push([file, test]);
  }
  return found;
}

const PAGE = readFileSync(`${ROOT}docs/security.md`, 'utf8');

it('every point of the ASVS checklist is met by a test, said of why it does not apply, or said not to be met', () => {
  const rows = PAGE.split('\n').filter((line) => /^\| (\d+\.\d+(\.\d+)?|V\d+)/.test(line));
  expect(rows.length).toBeGreaterThan(40);
  for (const row of rows)
    expect(row.split('|').map((cell) => cell.trim().length > 2)).toEqual([false, true, true, true, false]);
});

it.each(citations(PAGE))('%s has the test «%s»', (file, test) => {
  const source = readFileSync(`${ROOT}${file}`, 'utf8');
  expect(source.replaceAll("\\'", "'").includes(test)).toBe(true);
});
