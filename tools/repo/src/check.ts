import { performance } from 'node:perf_hooks';
import { STEPS, type Step } from './checks/steps.ts';

/** Steps at once: most are CPU-bound, and the machines that run this have two cores. */
const PARALLEL = 2;

/** Runs one step and prints its line, followed on failure by everything it had to say. */
async function report(step: Step): Promise<boolean> {
  const started = performance.now();
  const { ok, output } = await step.run().catch((error: unknown) => ({ ok: false, output: describe(error) }));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${step.name.padEnd(12)} ${seconds} s\n`);
  if (!ok) process.stdout.write(`${output}\n\n`);
  return ok;
}

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** Runs the steps with bounded parallelism, in their order; answers which held. */
async function runAll(steps: readonly Step[]): Promise<boolean[]> {
  const results: boolean[] = [];
  const queue = steps.values();
  const worker = async (): Promise<void> => {
    for (const step of queue) results.push(await report(step));
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return results;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !STEPS.some((step) => step.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `no such check: ${unknown.join(', ')}; there are: ${STEPS.map((step) => step.name).join(', ')}\n`,
  );
  process.exit(2);
}
const results = await runAll(wanted.length > 0 ? STEPS.filter((step) => wanted.includes(step.name)) : STEPS);
const failed = results.filter((ok) => !ok).length;
process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
