import { type ChildProcess, spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '@morag/testing';
import { mulberry32 } from '../paired.ts';
import { type Line, numberLine } from '../report.ts';
import { type BenchSystem, startBenchSystem } from './bench-system.ts';
import { type BenchServer, newBenchServer } from './lab-servers.ts';
import { runLoad, startLoad } from './steady-load.ts';

const DIMENSION = 384;
const RECORDS = 500;
const READS_PER_SECOND = 100;
/** The default of MORAG_HEALTH_INTERVAL_SECONDS. */
const INTERVAL_MS = 10_000;
/** Reads go on for so long after a kill: a server that is tried again now and then would be tried by then. */
const WATCHED_MS = 1.5 * INTERVAL_MS;
const POLL_MS = 20;
const BACK_MS_MAX = 120_000;
const KILLS = Number(process.env.MORAG_BENCH_KILLS) || 4;
const BUSY_SECONDS = Number(process.env.MORAG_BENCH_SECONDS) || 60;

interface Subject {
  readonly system: BenchSystem;
  readonly databaseId: string;
  /** Two real servers, killed in turn, by their ids. */
  readonly servers: readonly (readonly [string, BenchServer])[];
  /** One read. */
  readonly read: () => Promise<void>;
}

/** P11: how long reads go to a server after its `kill -9`, whether one is lost, and whether a busy machine causes a failover. */
export async function killedServerBenchmark(): Promise<Line[]> {
  const servers = await Promise.all([newBenchServer('chroma'), newBenchServer('chroma')]);
  const system = await startBenchSystem();
  try {
    const subject = await prepare(system, servers);
    const kills: { lastMs: number; reads: number; lost: number }[] = [];
    for (let kill = 0; kill < KILLS; kill++) kills.push(await killOne(subject, kill));
    const lastMs = Math.max(...kills.map((each) => each.lastMs));
    const reads = kills.reduce((count, each) => count + each.reads, 0);
    const lost = kills.reduce((count, each) => count + each.lost, 0);
    const needless = await failoversWhileBusy(subject);
    const label = `${KILLS} kills of a Chroma, ${READS_PER_SECOND} reads/s`;
    return [
      numberLine(
        'P11',
        `kill -9 until the last read sent there / health interval, worst of ${label}`,
        lastMs / INTERVAL_MS,
        0.1,
      ),
      numberLine('P11', `lost of ${reads} reads, ${label}`, lost, 0, 'reads'),
      numberLine('P11', `failovers in ${BUSY_SECONDS} s with two busy loops for each core`, needless, 0, 'failovers'),
    ];
  } finally {
    await system.remove();
    await Promise.all(servers.map((server) => server.remove()));
  }
}

async function prepare(system: BenchSystem, servers: readonly BenchServer[]): Promise<Subject> {
  const { records, options } = system;
  const registered = await Promise.all(servers.map(async (server) => [await system.register(server), server] as const));
  const { id: databaseId } = await system.createDatabase(
    DIMENSION,
    registered.map(([id]) => id),
  );
  const random = mulberry32(11);
  const vector = (): number[] => Array.from({ length: DIMENSION }, () => random() * 2 - 1);
  await records.upsertRecords(
    { databaseId, records: Array.from({ length: RECORDS }, (_, n) => ({ id: `r${n}`, vector: vector() })) },
    options,
  );
  const query = vector();
  const read = async (): Promise<void> => {
    const request = { databaseId, vector: query, topK: 10 };
    const { hits } = await records.queryRecords(request, { ...options, timeoutMs: 10_000 });
    if (hits.length !== 10) throw new Error(`the answer holds ${hits.length} hits`);
  };
  await runLoad(READS_PER_SECOND, 200, read);
  return { system, databaseId, servers: registered, read };
}

/** Kills one of the servers under load and watches; it is back, and read from, when this ends. */
async function killOne({ system, databaseId, servers, read }: Subject, kill: number) {
  const [id, server] = servers[kill % servers.length] ?? [];
  if (!id || !server) throw new Error('there are no servers');
  const sentThere = async (): Promise<number> => (await system.picks()).total.get(id) ?? 0;
  const load = startLoad(READS_PER_SECOND, read);
  await pause(2_000);
  const killedAtMs = performance.now();
  const killing = server.kill();
  let lastMs = 0;
  let sent = await sentThere();
  while (performance.now() - killedAtMs < WATCHED_MS) {
    const now = await sentThere();
    // An upper bound: the read was sent some time before it was seen here.
    if (now > sent) lastMs = performance.now() - killedAtMs;
    sent = now;
    await pause(POLL_MS);
  }
  await killing;
  const { times, failures } = await load.stop();
  await server.start();
  await system.untilInSync(databaseId);
  await eventually(
    async () => {
      await runLoad(READS_PER_SECOND, 20, read);
      if ((await sentThere()) === sent) throw new Error('the server that is back is not read from');
    },
    { timeoutMs: BACK_MS_MAX },
  );
  return { lastMs, reads: times.length + failures.length, lost: failures.length };
}

/** Nothing fails, but the machine has twice the work that it can do. */
async function failoversWhileBusy({ system, databaseId, read }: Subject): Promise<number> {
  const path = `/v1/databases/${databaseId}/failover-events`;
  const count = async (): Promise<number> =>
    (await system.call<{ failoverEvents: readonly object[] }>('GET', path)).failoverEvents.length;
  const before = await count();
  const busy = Array.from(
    { length: 2 * cpus().length },
    (): ChildProcess => spawn(process.execPath, ['--eval', 'for (;;);'], { stdio: 'ignore' }),
  );
  try {
    await runLoad(READS_PER_SECOND, READS_PER_SECOND * BUSY_SECONDS, read);
  } finally {
    for (const child of busy) child.kill('SIGKILL');
  }
  return (await count()) - before;
}
