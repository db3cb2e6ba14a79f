import { expect, it } from '@jest/globals';
import { judge, readSkips, sumCounts, summaryOf } from './test-report.ts';

it('sums what every project reported', () => {
  const text = '{"passed":3,"failed":0,"skipped":1}\n{"passed":4,"failed":2,"skipped":0}\n';
  expect(sumCounts(text)).toEqual({ passed: 7, failed: 2, skipped: 1 });
  expect(sumCounts('')).toEqual({ passed: 0, failed: 0, skipped: 0 });
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

it('fails a run that reported no failure but ended with an error, or ran nothing', () => {
  const clean = { passed: 7, failed: 0, skipped: 0 };
  expect(judge(clean, 0)).toEqual({ counts: clean });
  expect(judge(clean, 1)).toMatchObject({ counts: { passed: 7, failed: 1 }, complaint: expect.any(String) });
  expect(judge({ ...clean, passed: 0 }, 0)).toMatchObject({ counts: { failed: 1 }, complaint: 'no test ran' });
  expect(judge({ ...clean, failed: 2 }, 1)).toEqual({ counts: { ...clean, failed: 2 } });
});
