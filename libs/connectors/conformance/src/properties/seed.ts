/** The seed of a run's random data: MORAG_CONFORMANCE_SEED, to repeat a run, or a new one. It stands in the report. */
export function seedOfRun(): number {
  return Number(process.env.MORAG_CONFORMANCE_SEED) || Math.trunc(Math.random() * 2 ** 31);
}
