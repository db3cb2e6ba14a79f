import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { comparePaired } from '../paired.ts';
import { type Line, numberLine } from '../report.ts';
import { type Lab, onEachServer } from './lab.ts';
import { recordsOf, take } from './records.ts';
import type { StreamJob, StreamResult } from './stream.main.ts';

const DIMENSION = 384;
const STREAMED_DIMENSION = 64;
const BATCH = 256;
const STREAMS = 4;
const BATCHES = Number(process.env.MORAG_BENCH_BATCHES) || 8;
/** The goal's own size; the smaller stream that its memory is compared with has a tenth of it. */
const STREAMED = Number(process.env.MORAG_BENCH_STREAMED) || 1_000_000;
const STREAM_PROGRAM = fileURLToPath(new URL('./stream.main.ts', import.meta.url));
const SMALLER = 10;

/** P10: bulk upsert through each connector against the vendor's SDK, and the memory that streaming takes. */
export function bulkBenchmark(): AsyncIterable<Line> {
  return onEachServer(async function* (lab) {
    yield await measureRate(lab);
    yield await measureMemory(lab);
  });
}

/** New records into two collections that grow at the same pace. */
async function measureRate({ server, connector, sdk, collection }: Lab): Promise<Line> {
  const [ours, theirs] = [await collection(DIMENSION), await collection(DIMENSION)];
  const endless = () => recordsOf(DIMENSION, Number.MAX_SAFE_INTEGER);
  const [forUs, forThem] = [endless(), endless()];
  const result = await comparePaired(
    async () => void (await connector.upsert(ours.name, take(forUs, BATCH))),
    () => sdk.upsert(theirs.nativeName, take(forThem, BATCH)),
    { callers: STREAMS, calls: BATCHES, rounds: 7 },
  );
  const label = `rate of the SDK / ours, batches of ${BATCH} × ${DIMENSION}, ${STREAMS} at once, on ${server}`;
  return numberLine('P10', label, result.baseline.rate / result.ours.rate, 1 / 0.9);
}

async function measureMemory({ server, vendor, settings, collection }: Lab): Promise<Line> {
  const dimension = STREAMED_DIMENSION;
  const peak = async (count: number) => {
    const { name } = await collection(dimension);
    const job = { vendor, settings, collection: name, dimension, count, batch: BATCH, streams: STREAMS };
    return (await stream(job)).peakBytes;
  };
  const small = await peak(STREAMED / SMALLER);
  const large = await peak(STREAMED);
  const label = `peak memory of ${STREAMED} streamed × ${dimension} / of ${STREAMED / SMALLER}, on ${server}`;
  return numberLine('P10', label, large / small, 1.5);
}

/** In a process of its own, whose peak is that of this stream alone. */
async function stream(job: StreamJob): Promise<StreamResult> {
  const child = spawn(process.execPath, [STREAM_PROGRAM, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const printed = await text(child.stdout);
  if (printed === '') throw new Error(`the stream into ${job.vendor} failed`);
  return JSON.parse(printed) as StreamResult;
}
