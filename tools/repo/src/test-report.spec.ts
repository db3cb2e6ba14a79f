import { expect, it } from '@jest/globals';
import { judge, readSkips, summaryOf } from './test-report.ts';

const began = (project: string, file: string): string => `${JSON.stringify({ project, began: file })}\n`;
const ended = (project: string, passed: number, files: readonly string[] = []): string => {
  const failures = files.map((file) => ({ file, text: `no ${file}` }));
  return `${JSON.stringify({ project, counts: { passed, failed: files.length, skipped: 1 }, failures })}\n`;
};

it('sums what every project reported, and says what failed', () => {
  const text = began('a', '1') + began('b', '1') + ended('a', 3) + began('b', '2') + ended('b', 4, ['1', '2']);
  expect(judge(text, 1)).toEqual({
    counts: { passed: 7, failed: 2, skipped: 2 },
    complaints: ['FAILED b 1\nno 1', 'FAILED b 2\nno 2'],
  });
  expect(judge(began('a', '1') + ended('a', 3), 0)).toEqual({
    counts: { passed: 3, failed: 0, skipped: 1 },
    complaints: [],
  });
});

it('names the file at which a project broke, and by what', () => {
  const uncaught = (project: string): string => `${JSON.stringify({ project, uncaught: 'Error: x' })}\n`;
  const text = began('a', '1') + uncaught('a') + began('b', '1') + uncaught('b') + ended('a', 3) + began('b', '2');
  const counts = { passed: 3, failed: 1, skipped: 1 };
  expect(judge(text, 1)).toEqual({ counts, complaints: ['BROKEN b in or after 2'] });
  expect(judge(text + uncaught('b'), 1)).toEqual({ counts, complaints: ['BROKEN b in or after 2\nError: x'] });
  expect(judge(ended('a', 3) + uncaught('a'), 1)).toEqual({
    counts,
    complaints: ['BROKEN a after its tests\nError: x'],
  });
});

it('fails a run that reported no failure but ended with an error, or ran nothing', () => {
  expect(judge(ended('a', 3), 1)).toMatchObject({
    counts: { passed: 3, failed: 1 },
    complaints: ['a project ended with an error before it reported its tests'],
  });
  expect(judge('', 0)).toMatchObject({ counts: { passed: 0, failed: 1 }, complaints: ['no test ran'] });
});

it('names skips only when there are any, so that a clean run ends with the plain line', () => {
  expect(summaryOf({ passed: 7, failed: 0, skipped: 0 })).toBe('7 passed, 0 failed');
  expect(summaryOf({ passed: 7, failed: 2, skipped: 1 })).toBe('7 passed, 2 failed, 1 skipped');
});

it('names each skip once', () => {
  const neo4j = '{"what":"neo4j","why":"no Java 17"}';
  expect(readSkips(`${neo4j}\n{"what":"chroma","why":"not installed"}\n${neo4j}\n`)).toEqual([
    { what: 'chroma', why: 'not installed' },
    { what: 'neo4j', why: 'no Java 17' },
  ]);
});
