import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants.ts';
import { installVirtualTime } from './virtual-time.ts';

const realNow = performance.now.bind(performance);
const time = installVirtualTime();

// Only now: what is loaded binds its timers to the virtual ones.
const { simulate } = await import('./simulate.ts');

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    mutant: { type: 'string' },
    until: { type: 'string', default: 'end' },
  },
});
const mutant = MUTANTS.find((name) => name === values.mutant);
if (values.mutant !== undefined && !mutant) {
  throw new Error(`There are the mutants ${MUTANTS.join(', ')}.`);
}

/** Runs seeds one after the other: `--seed 17 --seeds 1000 --mutant early-promotion --until found`. */
const total = { seeds: 0, found: 0, acknowledged: 0, checkedReads: 0, promotions: 0, failBacks: 0 };
const first = Number(values.seed);
const startedAtMs = realNow();
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const { violations, acknowledged, checkedReads, promotions, failBacks } = await simulate(time, seed, mutant);
  total.seeds++;
  total.acknowledged += acknowledged;
  total.checkedReads += checkedReads;
  total.promotions += promotions;
  total.failBacks += failBacks;
  if (violations.length === 0) continue;
  total.found++;
  process.stdout.write(`seed ${seed}: ${violations.slice(0, 3).join('\n  ')}\n`);
  if (values.until === 'found') break;
}
const seconds = (realNow() - startedAtMs) / 1_000;
process.stdout.write(`${JSON.stringify({ ...total, seconds: Math.round(seconds * 10) / 10 })}\n`);
process.exit(total.found > 0 ? 1 : 0);
