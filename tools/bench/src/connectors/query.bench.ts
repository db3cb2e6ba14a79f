import { comparePaired, mulberry32 } from '../paired.ts';
import { type Line, numberLine, ratioLine } from '../report.ts';
import { type Lab, onEachServer } from './lab.ts';
import { recordsOf, take } from './records.ts';

const DIMENSION = 384;
const RECORDS = Number(process.env.MORAG_BENCH_RECORDS) || 2_000;
const BATCH = 250;
const TOP_K = 10;

/** P2: a query through each connector against the same query by the vendor's SDK, on the same collection. */
export function connectorQueryBenchmark(): AsyncIterable<Line> {
  return onEachServer(measure);
}

async function* measure({ vendor, server, connector, sdk, collection }: Lab): AsyncGenerator<Line> {
  const { name, nativeName } = await collection(DIMENSION);
  const records = recordsOf(DIMENSION, RECORDS);
  for (let batch = take(records, BATCH); batch.length > 0; batch = take(records, BATCH)) {
    await connector.upsert(name, batch);
  }
  const random = mulberry32(7);
  const queries = Array.from({ length: 100 }, () => Array.from({ length: DIMENSION }, () => random() * 2 - 1));
  let next = 0;
  const query = (): readonly number[] => queries[next++ % queries.length] ?? [];
  for (const callers of [1, 8]) {
    const result = await comparePaired(
      async () => expectHits(vendor, (await connector.query(name, { vector: query(), topK: TOP_K })).length),
      async () => expectHits(vendor, await sdk.query(nativeName, query(), TOP_K)),
      { callers, calls: 240, rounds: 7 },
    );
    const label = `connector, ${RECORDS} × ${DIMENSION} on ${server}, ${callers} caller${callers > 1 ? 's' : ''}`;
    yield ratioLine('P2', `${label}, p50`, result, 1.05);
    yield numberLine('P2', `${label}, p99`, result.ours.p99 / result.baseline.p99, 1.15);
  }
}

function expectHits(vendor: string, count: number): void {
  if (count !== TOP_K) throw new Error(`the answer of ${vendor} holds ${count} hits`);
}
