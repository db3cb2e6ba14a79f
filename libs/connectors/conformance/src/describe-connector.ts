import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { noteSkip } from '@morag/testing/skips.ts';
import { CASES } from './cases/index.ts';
import type { Harness } from './harness.ts';
import { runCase } from './run-case.ts';

const CASE_TIMEOUT_MS = 120_000;

/** Why a vendor's server cannot be had here. */
export interface Unavailable {
  readonly unavailable: string;
}

/**
 * The whole suite over one vendor's server, as Jest tests. Where there is no server, the reason is printed and the
 * suite passes, unless MORAG_CONFORMANCE_REQUIRE names the vendor.
 */
export function describeConnector(name: string, start: () => Promise<Harness | Unavailable>): void {
  describe(`${name} conformance`, () => {
    let harness: Harness | Unavailable = { unavailable: 'not started' };

    beforeAll(async () => {
      harness = await start();
      if (!('unavailable' in harness)) return;
      const required = (process.env.MORAG_CONFORMANCE_REQUIRE ?? '').split(',').map((each) => each.trim());
      if (required.includes(name)) throw new Error(`${name} is required: ${harness.unavailable}`);
      noteSkip(`${name} conformance`, harness.unavailable);
    }, CASE_TIMEOUT_MS);

    afterAll(async () => {
      if (!('unavailable' in harness)) await harness.stop();
    }, CASE_TIMEOUT_MS);

    for (const each of CASES) {
      it(
        `${each.id} ${each.title}`,
        async () => {
          if ('unavailable' in harness) return;
          const { outcome, note, error } = await runCase(harness, each);
          if (outcome === 'failed') throw error;
          if (outcome === 'unexpected') throw new Error(note);
          if (note) say(`${name} ${each.id}: ${outcome}, ${note}`);
          expect(['passed', 'skipped', 'excepted']).toContain(outcome);
        },
        CASE_TIMEOUT_MS,
      );
    }
  });
}

// Jest's console would print a stack below every line.
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
