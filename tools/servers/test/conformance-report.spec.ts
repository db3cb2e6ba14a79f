import { describe, expect, it } from '@jest/globals';
import { CASES, LEAK_CASE } from '@morag/connectors-conformance';
import { readPage, readRuns, sdkOf, withTable } from '../src/report/record.ts';
import { textTable } from '../src/report/text-table.ts';
import { VENDORS } from '../src/vendors.ts';

describe('the conformance table of the documentation', () => {
  const runs = readRuns();

  it('stands in the page as it follows from the recorded runs', () => {
    expect(readPage()).toContain('<!-- /conformance -->');
    expect(withTable(readPage(), runs)).toBe(readPage());
  });

  it('has every vendor, each with all cases and none that failed', () => {
    expect(Object.keys(runs)).toEqual(Object.keys(VENDORS));
    const ids = [...CASES, LEAK_CASE].map(({ id }) => String(id));
    for (const { outcomes } of Object.values(runs)) {
      expect(Object.keys(outcomes)).toEqual(ids);
      expect(Object.values(outcomes)).not.toEqual(expect.arrayContaining(['failed']));
      expect(Object.values(outcomes).filter((outcome) => outcome === 'excepted').length).toBeLessThanOrEqual(6);
    }
  });

  it.each(Object.keys(VENDORS))('was run with the SDK that %s has now', (vendor) => {
    expect(runs[vendor]?.sdk).toBe(sdkOf(vendor));
  });
});

describe('the table for a terminal', () => {
  it('sums up what passed and says why the rest did not', () => {
    const result = { durationMs: 1, title: 'does it' };
    const table = textTable([
      { vendor: 'a', server: 'A 1', results: [{ ...result, id: 1, outcome: 'passed', note: 'unsaid' }] },
      { vendor: 'b', server: 'B 2', results: [{ ...result, id: 1, outcome: 'excepted', note: 'cannot' }] },
    ]);
    expect(table).toBe(
      [
        'case  a         b',
        '1     ok        except    does it',
        '',
        'a (A 1): 1 passed, 0 failed, 0 skipped, 0 excepted',
        'b (B 2): 0 passed, 0 failed, 0 skipped, 1 excepted',
        '  1 excepted: cannot',
        '1 passed, 0 failed',
        '',
      ].join('\n'),
    );
  });
});
