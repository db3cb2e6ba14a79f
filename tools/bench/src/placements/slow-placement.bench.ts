import { createFaultProxy, eventually, type FaultProxy } from '@morag/testing';
import { mulberry32, quantile } from '../paired.ts';
import { type Line, numberLine } from '../report.ts';
import { type BenchSystem, startBenchSystem } from './bench-system.ts';
import { type BenchServer, newBenchServer } from './lab-servers.ts';
import { sum } from './picks.ts';
import { runLoad } from './steady-load.ts';

const DIMENSION = 384;
const RECORDS = 500;
const PLACEMENTS = 3;
const READS_PER_SECOND = 100;
const DEADLINE_MS = 1_000;
/** Each way: two seconds for an answer. */
const DELAY_MS = 1_000;
const BACK_MS_MAX = 120_000;
/** Reads in one block, and rounds of three blocks: all well, one late, one failing. */
const READS = Number(process.env.MORAG_BENCH_READS) || 2_000;
const ROUNDS = Number(process.env.MORAG_BENCH_ROUNDS) || 3;

interface Block {
  readonly times: readonly number[];
  readonly failed: number;
  /** Reads sent to the last placement, and those that were sent to a second one. */
  readonly sentToLast: number;
  readonly sentAgain: number;
}

interface Subject {
  readonly system: BenchSystem;
  /** In front of the last placement's server. */
  readonly proxy: FaultProxy;
  readonly lastId: string;
  readonly read: () => Promise<void>;
}

/** P12: reads of a database of three placements, of which one is late by two seconds, or fails at once. */
export async function slowPlacementBenchmark(): Promise<Line[]> {
  const servers = await Promise.all(Array.from({ length: PLACEMENTS }, () => newBenchServer('chroma')));
  const proxies = await Promise.all(servers.map(({ settings }) => createFaultProxy({ port: settings.port })));
  const system = await startBenchSystem();
  try {
    const subject = await prepare(system, servers, proxies);
    const calm: Block[] = [];
    const late: Block[] = [];
    const failing: Block[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      calm.push(await block(subject));
      await subject.proxy.delay(DELAY_MS);
      late.push(await block(subject));
      await untilWell(subject);
      await subject.proxy.reset();
      failing.push(await block(subject));
      await untilWell(subject);
    }
    return report(calm, late, failing);
  } finally {
    await system.remove();
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await Promise.all(servers.map((server) => server.remove()));
  }
}

function report(calm: readonly Block[], late: readonly Block[], failing: readonly Block[]): Line[] {
  const total = (blocks: readonly Block[], of: (block: Block) => number): number =>
    blocks.reduce((whole, block) => whole + of(block), 0);
  const share = (blocks: readonly Block[], of: (block: Block) => number): number =>
    (100 * total(blocks, of)) / total(blocks, ({ times, failed }) => times.length + failed);
  const p99 = (blocks: readonly Block[]): number =>
    quantile(
      blocks.flatMap(({ times }) => times),
      0.99,
    );
  const label = `one of ${PLACEMENTS} placements late by ${(2 * DELAY_MS) / 1_000} s, ${READS_PER_SECOND} reads/s`;
  return [
    numberLine(
      'P12',
      `reads not answered within ${DEADLINE_MS} ms, ${label}`,
      share(late, ({ failed }) => failed),
      0.1,
      '%',
    ),
    numberLine(
      'P12',
      'the same with all well',
      share(calm, ({ failed }) => failed),
      0.1,
      '%',
    ),
    numberLine('P12', `p99 / p99 with all well, ${label}`, p99(late) / p99(calm), 1.5),
    numberLine(
      'P12',
      `reads sent to a second placement, ${label}`,
      share(late, ({ sentAgain }) => sentAgain),
      3,
      '%',
    ),
    numberLine(
      'P12',
      'reads sent to a placement that fails at once',
      share(failing, ({ sentToLast }) => sentToLast),
      1,
      '%',
    ),
    numberLine(
      'P12',
      'reads that failed meanwhile',
      share(failing, ({ failed }) => failed),
      0.1,
      '%',
    ),
  ];
}

async function prepare(
  system: BenchSystem,
  servers: readonly BenchServer[],
  proxies: readonly FaultProxy[],
): Promise<Subject> {
  const { records, options } = system;
  const ids: string[] = [];
  for (const [index, { settings }] of servers.entries()) {
    ids.push(await system.register({ settings: { ...settings, port: proxies[index]?.port ?? settings.port } }));
  }
  const [proxy, lastId] = [proxies.at(-1), ids.at(-1)];
  if (!proxy || !lastId) throw new Error('there are no servers');
  const { id: databaseId } = await system.createDatabase(DIMENSION, ids);
  const random = mulberry32(12);
  const vector = (): number[] => Array.from({ length: DIMENSION }, () => random() * 2 - 1);
  await records.upsertRecords(
    { databaseId, records: Array.from({ length: RECORDS }, (_, n) => ({ id: `r${n}`, vector: vector() })) },
    options,
  );
  await system.untilInSync(databaseId);
  const query = vector();
  const read = async (): Promise<void> => {
    const request = { databaseId, vector: query, topK: 10 };
    const { hits } = await records.queryRecords(request, { ...options, timeoutMs: DEADLINE_MS });
    if (hits.length !== 10) throw new Error(`the answer holds ${hits.length} hits`);
  };
  await runLoad(READS_PER_SECOND, 300, read);
  return { system, proxy, lastId, read };
}

async function block({ system, lastId, read }: Subject): Promise<Block> {
  const before = await system.picks();
  const { times, failures } = await runLoad(READS_PER_SECOND, READS, read);
  const after = await system.picks();
  return {
    times,
    failed: failures.length,
    sentToLast: (after.total.get(lastId) ?? 0) - (before.total.get(lastId) ?? 0),
    sentAgain: sum(after.again) - sum(before.again),
  };
}

/** Until the placement has its share of the reads again. */
async function untilWell({ system, proxy, lastId, read }: Subject): Promise<void> {
  await proxy.pass();
  const sentThere = async (): Promise<number> => (await system.picks()).total.get(lastId) ?? 0;
  await eventually(
    async () => {
      const before = await sentThere();
      await runLoad(READS_PER_SECOND, 100, read);
      if ((await sentThere()) - before < 100 / (2 * PLACEMENTS)) throw new Error('it is hardly read from');
    },
    { timeoutMs: BACK_MS_MAX },
  );
}
