import { SDK_SIDES } from '../connectors/sdk-side.ts';
import { comparePaired, mulberry32 } from '../paired.ts';
import { type Line, numberLine } from '../report.ts';
import { startBenchSystem } from './bench-system.ts';
import { newBenchServer } from './lab-servers.ts';

const DIMENSION = 384;
/** Writers of one record at a time, and writes in one block. */
const CALLERS = Number(process.env.MORAG_BENCH_CALLERS) || 64;
const WRITES = Number(process.env.MORAG_BENCH_WRITES) || 512;

/** P10b: many callers that write one record each, through us and by the vendor's SDK, into two collections of one server. */
export async function smallWritesBenchmark(): Promise<Line[]> {
  const vendors = process.env.MORAG_BENCH_VENDORS?.split(',') ?? ['chroma'];
  const lines: Line[] = [];
  for (const vendor of vendors) lines.push(await measure(vendor));
  return lines;
}

async function measure(vendor: string): Promise<Line> {
  const server = await newBenchServer(vendor);
  const system = await startBenchSystem();
  try {
    const { records, options } = system;
    const serverId = await system.register(server);
    const ours = await system.createDatabase(DIMENSION, [serverId]);
    const theirs = await system.createDatabase(DIMENSION, [serverId]);
    const sdk = await (await SDK_SIDES[vendor]?.())?.(server.settings);
    if (!sdk) throw new Error(`There is no SDK of ${vendor} to measure against.`);
    const random = mulberry32(3);
    let next = 0;
    const record = () => ({ id: `r${next++}`, vector: Array.from({ length: DIMENSION }, () => random() * 2 - 1) });
    const result = await comparePaired(
      async () => {
        const request = { databaseId: ours.id, records: [{ ...record(), metadata: { n: next }, text: 'A text.' }] };
        const { upserted } = await records.upsertRecords(request, options);
        if (upserted !== 1) throw new Error(`the answer tells of ${upserted} records`);
      },
      () => sdk.upsert(theirs.collection, [{ ...record(), metadata: { n: next }, document: 'A text.' }]),
      { callers: CALLERS, calls: WRITES, rounds: 7 },
    );
    await sdk.close();
    const label = `rate of the SDK / ours, one record × ${DIMENSION}, ${CALLERS} at once, on ${vendor}`;
    return numberLine('P10b', label, result.baseline.rate / result.ours.rate, 1 / 3);
  } finally {
    await system.remove();
    await server.remove();
  }
}
