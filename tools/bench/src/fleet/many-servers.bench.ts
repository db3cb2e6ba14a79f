import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually, type Installation, newInstallation } from '@morag/testing';
import { Client } from 'pg';
import { type Line, numberLine } from '../report.ts';
import { addressOf } from './addresses.ts';
import { cpuSeconds, residentMib } from './process-usage.ts';

/** The default of MORAG_HEALTH_INTERVAL_SECONDS. */
const INTERVAL_MS = 10_000;
const SERVERS = Number(process.env.MORAG_BENCH_SERVERS) || 10_000;
const FEWER = SERVERS / 10;
const SECONDS = Number(process.env.MORAG_BENCH_SECONDS) || 60;
/** What servers tell about themselves is asked for once a minute, of all of them in the first one. */
const SETTLED_MS = Number(process.env.MORAG_BENCH_SETTLE_MS) || 70_000;
const FIRST_LOOKS_MS_MAX = 300_000;
/** On a machine that has more to do than it can some are always late. */
const SETTLED_SHARE = 0.95;

interface Subject {
  readonly installation: Installation;
  readonly db: Client;
  /** Of the service of servers. */
  readonly pid: number;
  /** Where the stand-in listens. */
  readonly port: number;
}

/** What was seen while servers were watched. */
interface Watch {
  /** Of one core. */
  readonly cores: number;
  /** Milliseconds of CPU for each look that was stored. */
  readonly msPerLook: number;
  readonly mib: number;
  readonly transactionsPerSecond: number;
  /** Of those that there should be. */
  readonly looks: number;
  /** Servers that are wrongly thought to be not well, at the end. */
  readonly misjudged: number;
}

/** P13: what it costs to look at 10,000 servers every ten seconds, against a loop that only asks whether they are there. */
export async function manyServersBenchmark(): Promise<Line[]> {
  const standIn = run('stand-in.main.ts', []);
  const installation = await newInstallation({ MORAG_PROCESSES: 'separate' });
  try {
    const port = Number(String(await once(standIn.stdout ?? process.stdin, 'data')));
    await installation.start();
    const pid = Number(readFileSync(join(installation.folder, 'run', 'servers.pid'), 'utf8'));
    const password = readFileSync(join(installation.folder, 'keys', 'postgres.password'), 'utf8');
    const db = new Client({
      host: '127.0.0.1',
      port: installation.ports.postgres,
      user: 'postgres',
      password,
      database: 'morag',
    });
    await db.connect();
    const subject = { installation, db, pid, port };
    try {
      return await measure(subject);
    } finally {
      await db.end();
    }
  } finally {
    await installation.remove();
    standIn.kill();
  }
}

async function measure(subject: Subject): Promise<Line[]> {
  const idle = await watch(subject, 0);
  await register(subject, 0, FEWER);
  const few = await watch(subject, FEWER);
  await register(subject, FEWER, SERVERS);
  const many = await watch(subject, SERVERS);
  const bare = await watchBare(subject.port, SERVERS);
  const label = `${SERVERS} servers, looked at every ${INTERVAL_MS / 1_000} s`;
  const statements = many.transactionsPerSecond - idle.transactionsPerSecond;
  return [
    numberLine(
      'P13',
      `CPU of a look / of one by a bare loop of fetch (${bare.toFixed(2)} ms), ${label}`,
      many.msPerLook / bare,
      1.3,
    ),
    numberLine('P13', `CPU of the service, ${label}`, many.cores, 1, 'cores'),
    numberLine('P13', `looks left out of those that were due, ${label}`, 100 * (1 - many.looks), 5, '%'),
    numberLine('P13', `servers that answer and do not count as HEALTHY, ${label}`, many.misjudged, 0, 'servers'),
    numberLine('P13', `resident memory, ${label}`, many.mib, 200, 'MiB'),
    numberLine('P13', `statements a second more than with none, ${label}`, statements, 10, '/s'),
    numberLine(
      'P13',
      `CPU of ${SERVERS} / of ${FEWER} servers`,
      (many.cores - idle.cores) / (few.cores - idle.cores),
      10.5,
    ),
  ];
}

/** Registers servers as rows: through the API each is made the same, one after the other. */
async function register({ installation, db, port }: Subject, first: number, end: number): Promise<void> {
  const name = crypto.randomUUID();
  const registration = { name, type: 'CHROMA', host: addressOf(first), port, tls: 'DISABLED' };
  const { status, body } = await installation.call<{ id: string }>('POST', '/v1/servers', registration);
  if (status !== 200) throw new Error(`the server was not registered: ${JSON.stringify(body)}`);
  await installation.call('POST', `/v1/servers/${body.id}:testConnection`, {});
  const hosts = Array.from({ length: end - first - 1 }, (_, n) => addressOf(first + 1 + n));
  await db.query(
    `insert into servers.servers
     select (jsonb_populate_record(model, jsonb_build_object('id', uuidv7(), 'name', address, 'host', address))).*
     from servers.servers model, unnest($2::text[]) as given (address) where model.id = $1`,
    [body.id, hosts],
  );
}

/** Waits until all are known, and watches. */
async function watch({ db, pid }: Subject, servers: number): Promise<Watch> {
  await eventually(
    async () => {
      const healthy = await countHealthy(db);
      if (healthy < servers * SETTLED_SHARE) throw new Error(`${healthy} of ${servers} servers are HEALTHY`);
    },
    { timeoutMs: FIRST_LOOKS_MS_MAX, intervalMs: 1_000 },
  );
  await pause(SETTLED_MS);
  const before = {
    cpu: cpuSeconds(pid),
    at: performance.now(),
    transactions: await transactions(db),
    looks: await looks(db),
  };
  let mib = 0;
  while (performance.now() - before.at < SECONDS * 1_000) {
    mib = Math.max(mib, residentMib(pid));
    await pause(1_000);
  }
  const seconds = (performance.now() - before.at) / 1_000;
  const due = (servers * seconds * 1_000) / INTERVAL_MS;
  const cpu = cpuSeconds(pid) - before.cpu;
  const looked = (await looks(db)) - before.looks;
  return {
    cores: cpu / seconds,
    msPerLook: (cpu * 1_000) / looked,
    mib,
    transactionsPerSecond: ((await transactions(db)) - before.transactions) / seconds,
    looks: looked / due,
    misjudged: servers - (await countHealthy(db)),
  };
}

/** Every statement of the health's is a transaction of its own. */
async function transactions(db: Client): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select xact_commit::int as count from pg_stat_database where datname = current_database()`,
  );
  return rows[0]?.count ?? 0;
}

async function countHealthy(db: Client): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int as count from servers.server_health where status = 'HEALTHY' and server_id in
       (select id from servers.servers where host like '127.1.%')`,
  );
  return rows[0]?.count ?? 0;
}

async function looks(db: Client): Promise<number> {
  const { rows } = await db.query<{ count: number }>('select count(*)::int as count from servers.health_checks');
  return rows[0]?.count ?? 0;
}

/** Milliseconds of CPU for each answer that the bare loop gets. */
async function watchBare(port: number, servers: number): Promise<number> {
  const loop = run('bare-loop.main.ts', [port, servers, INTERVAL_MS].map(String));
  let answered = 0;
  loop.stdout?.on('data', (text: Buffer) => {
    answered = Number(text.toString().trim().split('\n').at(-1));
  });
  try {
    await pause(INTERVAL_MS);
    const [cpu, before] = [cpuSeconds(loop.pid ?? 0), answered];
    await pause(SECONDS * 1_000);
    return ((cpuSeconds(loop.pid ?? 0) - cpu) * 1_000) / (answered - before);
  } finally {
    loop.kill();
  }
}

function run(file: string, args: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}
