import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { MUTANTS } from './simulation/mutants.ts';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('./simulation/main.ts', import.meta.url));

/** Seeds of a run; MORAG_SIMULATION_SEED sets the first one, so that a history that failed can be seen again. */
const FIRST = process.env.MORAG_SIMULATION_SEED ?? '1';
const SEEDS = process.env.MORAG_SIMULATION_SEEDS ?? '200';

interface Result {
  readonly found: number;
  readonly acknowledged: number;
  readonly checkedReads: number;
  readonly promotions: number;
  readonly failBacks: number;
  /** What was found, seed by seed. */
  readonly text: string;
}

/** Runs histories in a process of their own, since its time is virtual. */
async function simulate(...args: string[]): Promise<Result> {
  const { stdout } = await run(process.execPath, [MAIN, ...args], { maxBuffer: 16 * 1024 * 1024 }).catch(
    (error: { stdout: string; stderr: string }) => {
      if (!error.stdout) throw new Error(error.stderr);
      return error;
    },
  );
  const lines = stdout.trim().split('\n');
  return { ...(JSON.parse(lines.pop() ?? '') as Omit<Result, 'text'>), text: lines.join('\n') };
}

describe('simulated histories of servers, instances and networks that fail', () => {
  it('lose, repeat, resurrect and show nothing they should not', async () => {
    const { found, text, acknowledged, checkedReads, promotions, failBacks } = await simulate(
      '--seed',
      FIRST,
      '--seeds',
      SEEDS,
    );
    expect({ found, text }).toEqual({ found: 0, text: '' });
    const seeds = Number(SEEDS);
    expect(acknowledged).toBeGreaterThan(20 * seeds);
    expect(checkedReads).toBeGreaterThan(20 * seeds);
    expect(promotions).toBeGreaterThan(seeds / 4);
    expect(failBacks).toBeGreaterThan(seeds / 16);
  }, 300_000);

  it('are decided by their seed alone', async () => {
    const { text, ...first } = await simulate('--seed', '7', '--seeds', '2');
    expect(text).toBe('');
    expect(await simulate('--seed', '7', '--seeds', '2')).toMatchObject({
      acknowledged: first.acknowledged,
      checkedReads: first.checkedReads,
      promotions: first.promotions,
    });
  }, 120_000);

  it.each(MUTANTS)(
    'find a guard that is switched off: %s',
    async (mutant) => {
      const { found } = await simulate('--seed', '1', '--seeds', '600', '--mutant', mutant, '--until', 'found');
      expect(found).toBe(1);
    },
    240_000,
  );
});
