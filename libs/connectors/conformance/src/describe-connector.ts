import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { noteSkip } from '@morag/testing/skips.ts';
import { CASES } from './cases/index.ts';
import type { Harness } from './harness.ts';
import { LEAK_CASE, type LeakWatch, watchLeaks } from './leaks.ts';
import { runCase } from './run-case.ts';

const CASE_TIMEOUT_MS = 300_000;

/** Why a vendor's server cannot be had here. */
export interface Unavailable {
  readonly unavailable: string;
}

/**
 * The whole suite over one vendor's server, as Jest tests. Where there is no server, one test says why, and fails if
 * MORAG_CONFORMANCE_REQUIRE names the vendor.
 */
export function describeConnector(name: string, start: (() => Promise<Harness>) | Unavailable): void {
  describe(`${name} conformance`, () => {
    if ('unavailable' in start) describeAbsence(name, start.unavailable);
    else describeCases(name, start);
  });
}

function describeCases(name: string, start: () => Promise<Harness>): void {
  let harness: Harness;
  let leaks: LeakWatch;
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= harness.stop());

  beforeAll(async () => {
    leaks = watchLeaks();
    harness = await start();
  }, CASE_TIMEOUT_MS);

  afterAll(stop, CASE_TIMEOUT_MS);

  for (const each of CASES) {
    it(
      `${each.id} ${each.title}`,
      async () => {
        const { outcome, note, error } = await runCase(harness, each);
        if (outcome === 'failed') throw error;
        if (note) say(`${name} ${each.id}: ${outcome}, ${note}`);
        expect(outcome).not.toBe('unexpected');
      },
      CASE_TIMEOUT_MS,
    );
  }

  it(
    `${LEAK_CASE.id} ${LEAK_CASE.title}`,
    async () => {
      await stop();
      await expect(leaks.end()).resolves.toBeUndefined();
    },
    CASE_TIMEOUT_MS,
  );
}

function describeAbsence(name: string, reason: string): void {
  noteSkip(`${name} conformance`, reason);
  it(`is skipped: ${reason}`, () => {
    const required = (process.env.MORAG_CONFORMANCE_REQUIRE ?? '').split(',').map((each) => each.trim());
    expect(required).not.toContain(name);
  });
}

// Jest's console would print a stack below every line.
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
