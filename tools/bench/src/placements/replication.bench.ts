import { setTimeout as pause } from 'node:timers/promises';
import type { VectorRecord } from '@morag/connectors-core';
import { createFaultProxy, eventually, type FaultProxy } from '@morag/testing';
import { Pool } from 'pg';
import { openPgvector } from '../connectors/pgvector.sdk.ts';
import type { SdkSide } from '../connectors/sdk-side.ts';
import { mulberry32, quantile } from '../paired.ts';
import { type Line, numberLine } from '../report.ts';
import { type BenchSystem, startBenchSystem } from './bench-system.ts';
import { type BenchServer, newBenchServer } from './lab-servers.ts';
import { startLoad } from './steady-load.ts';

const DIMENSION = 384;
const RECORDS_PER_WRITE = 5;
/** Records a second; the goal says 500. */
const UPSERTS = Number(process.env.MORAG_BENCH_UPSERTS) || 500;
/**
 * The same where both servers keep an HNSW index: a vector of 384 numbers costs each of them about 3 ms of a core, so that
 * 500 a second would be what three cores do.
 */
const INDEXED_UPSERTS = Number(process.env.MORAG_BENCH_INDEXED_UPSERTS) || 100;
/** Of every so many writes one is looked for at the replica. */
const SAMPLE_EVERY = 5;
const POLL_MS = 5;
/** How bulk loads are made: P10's shape. */
const BATCH = 256;
const STREAMS = 4;
const LOAD_BATCH = 500;
const WAIT_MS_MAX = 300_000;
const SECONDS = Number(process.env.MORAG_BENCH_SECONDS) || 30;
const RECORDS = Number(process.env.MORAG_BENCH_RECORDS) || 5_000;
const ROUNDS = Number(process.env.MORAG_BENCH_ROUNDS) || 3;

/** Servers of a database: the first has its primary, the second the replica that is looked at. */
type Pair = readonly [string, string];

interface Subject {
  readonly system: BenchSystem;
  /** Two PostgreSQL that keep no index: what is late between them is late by us. */
  readonly plain: Pair;
  /** Has the primaries. */
  readonly chromaId: string;
  /** Has the replicas; behind the proxy for us, and reached directly by the SDK. */
  readonly pgvectorId: string;
  readonly proxy: FaultProxy;
  readonly replica: Pool;
  readonly sdk: SdkSide;
  readonly vector: () => number[];
}

/** What came of steady writes. */
interface Lags {
  /** Milliseconds of the writes that were looked for. */
  readonly lags: readonly number[];
  /** Writes that were not answered in time. */
  readonly unconfirmed: number;
}

/** Milliseconds of one round. */
interface Round {
  readonly catchUp: number;
  readonly bulk: number;
  readonly verify: number;
  readonly copy: number;
}

/** P15: how far a pgvector replica is behind a Chroma primary, how fast it catches up, and how fast the two are compared. */
export async function replicationBenchmark(): Promise<Line[]> {
  const servers = await Promise.all(['chroma', 'pgvector', 'pgvector'].map(newBenchServer));
  const system = await startBenchSystem();
  const subject = await prepare(system, servers);
  try {
    const plain = await measureLags(subject, subject.plain, UPSERTS);
    const indexed = await measureLags(subject, [subject.chromaId, subject.pgvectorId], INDEXED_UPSERTS);
    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measureRound(subject));
    const median = (of: (round: Round) => number): number => quantile(rounds.map(of), 0.5);
    const label = `${RECORDS} × ${DIMENSION} from Chroma to pgvector`;
    return [
      ...linesOf(plain, `${UPSERTS} upserts/s for ${SECONDS} s from pgvector to pgvector without an index`),
      ...linesOf(indexed, `${INDEXED_UPSERTS} upserts/s for ${SECONDS} s from Chroma to pgvector`),
      numberLine(
        'P15',
        `catching up / loading by the SDK, ${label}`,
        median((each) => each.catchUp / each.bulk),
        1.25,
      ),
      numberLine(
        'P15',
        `verify / a copy to a new placement, ${label}`,
        median((each) => each.verify / each.copy),
        0.2,
      ),
    ];
  } finally {
    await subject.sdk.close();
    await subject.replica.end();
    await system.remove();
    await subject.proxy.close();
    await Promise.all(servers.map((server) => server.remove()));
  }
}

function linesOf({ lags, unconfirmed }: Lags, load: string): Line[] {
  const label = `${load}, ${lags.length} samples`;
  return [
    numberLine('P15', `acknowledged until visible at the replica, p99, ${label}`, quantile(lags, 0.99), 250, 'ms'),
    numberLine('P15', `writes not confirmed in time, ${label}`, unconfirmed, 0, 'writes'),
  ];
}

async function prepare(system: BenchSystem, servers: readonly BenchServer[]): Promise<Subject> {
  const [chroma, pgvector, source] = servers;
  if (!chroma || !pgvector || !source) throw new Error('there are no servers');
  const { settings } = pgvector;
  const { host, port, username: user, password, database } = settings;
  const proxy = await createFaultProxy({ port });
  const replica = new Pool({ host, port, user, password, database, max: 2 });
  // Of idle connections, when the server is stopped sooner than they are closed.
  replica.on('error', () => {});
  const random = mulberry32(15);
  const registerPlain = (server: BenchServer['settings']): Promise<string> =>
    system.register({ settings: { ...server, config: { index: 'none' } } });
  return {
    system,
    plain: [await registerPlain(source.settings), await registerPlain(settings)],
    chromaId: await system.register(chroma),
    pgvectorId: await system.register({ settings: { ...settings, port: proxy.port } }),
    proxy,
    replica,
    sdk: await openPgvector(settings),
    vector: () => Array.from({ length: DIMENSION }, () => random() * 2 - 1),
  };
}

/** A database of both servers, and the replica's table. */
async function newDatabase({ system }: Subject, pair: Pair): Promise<{ id: string; table: string }> {
  const { id } = await system.createDatabase(DIMENSION, pair);
  const placements = await system.placements(id);
  const table = placements.find(({ serverId }) => serverId === pair[1])?.collection ?? '';
  return { id, table: `public."${table}"` };
}

/** Milliseconds from the answer to a write until a direct look at the replica finds it. */
async function measureLags(subject: Subject, pair: Pair, perSecond: number): Promise<Lags> {
  const { system, replica, vector } = subject;
  const { id: databaseId, table } = await newDatabase(subject, pair);
  const waiting = new Map<string, number>();
  const lags: number[] = [];
  let writes = 0;
  const load = startLoad(perSecond / RECORDS_PER_WRITE, async () => {
    const write = writes++;
    const records = Array.from({ length: RECORDS_PER_WRITE }, (_, n) => ({ id: `w${write}-${n}`, vector: vector() }));
    await system.records.upsertRecords({ databaseId, records }, system.options);
    if (write % SAMPLE_EVERY === 0) waiting.set(`w${write}-0`, performance.now());
  });
  const endMs = performance.now() + SECONDS * 1_000;
  let result: Awaited<ReturnType<typeof load.stop>> | undefined;
  while (!result || waiting.size > 0) {
    await pause(POLL_MS);
    const query = `select id from ${table} where id = any($1)`;
    const { rows } = await replica.query<{ id: string }>(query, [[...waiting.keys()]]);
    for (const { id } of rows) {
      lags.push(performance.now() - (waiting.get(id) ?? 0));
      waiting.delete(id);
    }
    if (!result && performance.now() > endMs) result = await load.stop();
  }
  return { lags, unconfirmed: result.failures.length };
}

/** Fills a replica by the log after it was away, a table by the SDK, and a new placement by a copy; and compares. */
async function measureRound(subject: Subject): Promise<Round> {
  const { system, proxy, chromaId, pgvectorId } = subject;
  const { id: databaseId, table } = await newDatabase(subject, [chromaId, pgvectorId]);
  await proxy.refuse();
  await load(subject, databaseId);
  await proxy.pass();
  const catchUp = await timeFilling(subject, table);
  await system.untilInSync(databaseId);
  const bulk = await timeBulk(subject);
  const verify = await timeVerify(system, databaseId);
  // What a copy takes, from the same source to the same server.
  const copied = await system.createDatabase(DIMENSION, [chromaId]);
  await load(subject, copied.id);
  const startMs = performance.now();
  await system.call('POST', `/v1/databases/${copied.id}/placements`, { serverId: pgvectorId });
  await system.untilInSync(copied.id);
  return { catchUp, bulk, verify, copy: performance.now() - startMs };
}

async function load({ system, vector }: Subject, databaseId: string): Promise<void> {
  for (let first = 0; first < RECORDS; first += LOAD_BATCH) {
    const count = Math.min(LOAD_BATCH, RECORDS - first);
    const records = Array.from({ length: count }, (_, n) => ({ id: `r${first + n}`, vector: vector() }));
    await system.records.upsertRecords({ databaseId, records }, system.options);
  }
}

/** From the first statement that writes there until the last record is there. */
async function timeFilling({ replica }: Subject, table: string): Promise<number> {
  const until = (condition: string, params: readonly unknown[]): Promise<void> =>
    eventually(
      async () => {
        const { rows } = await replica.query<{ ok: boolean }>(`select (${condition}) as ok`, [...params]);
        if (!rows[0]?.ok) throw new Error(`never true: ${condition}`);
      },
      { timeoutMs: WAIT_MS_MAX, intervalMs: POLL_MS },
    );
  const isWriting = `select count(*) > 0 from pg_stat_activity
    where state = 'active' and pid <> pg_backend_pid() and query ilike '%insert into%' and strpos(query, $1) > 0`;
  const name = table.split('"')[1];
  await until(`(${isWriting}) or exists (select from ${table})`, [name]);
  const startMs = performance.now();
  await until(`(select count(*) from ${table}) >= $1`, [RECORDS]);
  return performance.now() - startMs;
}

/** The same records into a table with the same indexes. */
async function timeBulk(subject: Subject): Promise<number> {
  const { collection } = await subject.system.createDatabase(DIMENSION, [subject.pgvectorId]);
  const records = Array.from(
    { length: RECORDS },
    (_, n): VectorRecord => ({ id: `r${n}`, vector: subject.vector(), metadata: {}, document: undefined }),
  );
  const startMs = performance.now();
  let next = 0;
  const stream = async (): Promise<void> => {
    for (let first = next; first < RECORDS; first = next) {
      next += BATCH;
      await subject.sdk.upsert(collection, records.slice(first, first + BATCH));
    }
  };
  await Promise.all(Array.from({ length: STREAMS }, stream));
  return performance.now() - startMs;
}

async function timeVerify(system: BenchSystem, databaseId: string): Promise<number> {
  const startMs = performance.now();
  const { name } = await system.call<{ name: string }>('POST', `/v1/databases/${databaseId}:verify`, {});
  await eventually(
    async () => {
      const { done, response } = await system.call<{ done?: boolean; response?: { equal?: boolean } }>(
        'GET',
        `/v1/${name}`,
      );
      if (!done) throw new Error('it is still comparing');
      if (!response?.equal) throw new Error('the copies are not equal');
    },
    { timeoutMs: WAIT_MS_MAX },
  );
  return performance.now() - startMs;
}
