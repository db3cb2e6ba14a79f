import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, startEmbeddedPostgres } from '@morag/embedded';
import { generateSigningKeyPem } from '@morag/identity';
import { VENDORS } from '@morag/servers-lab';
import { createDemoClient, type DemoClient } from './demo-client.ts';
import { createDemoPicture, type DemoPicture } from './demo-picture.ts';
import { startInOneProcess } from './one-process.ts';

/** A real server that the demonstration kills. */
interface Victim {
  readonly name: string;
  readonly registration: object;
  start(): Promise<unknown>;
  kill(): Promise<void>;
}

/** What was started, to be ended in reverse. */
type Ends = (() => Promise<unknown> | void)[];

const CALM_MS = 5_000;
const FAILOVER_MS_MAX = 60_000;
const READS_PER_SECOND = 20;
const WRITES_PER_SECOND = 10;

/** Shows two real servers, reads and writes, a kill -9, the failover and the return. Answers the exit code. */
async function demonstrate(signal: AbortSignal): Promise<number> {
  const ends: Ends = [];
  const folder = mkdtempSync(join(tmpdir(), 'morag-demo-'));
  // PostgreSQL runs under an account of its own where this runs as root.
  chmodSync(folder, 0o755);
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const picture = createDemoPicture(process.stdout);
  ends.push(() => picture.stop());
  try {
    picture.say('starting PostgreSQL, Chroma, pgvector and all services …');
    const client = await startSystem(folder, ends);
    const victims = await Promise.all(['chroma', 'pgvector'].map((vendor) => startVictim(vendor, folder, ends)));
    return await play(client, victims, picture, signal);
  } catch (error) {
    if (signal.aborted) return 130;
    throw error;
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

async function startSystem(folder: string, ends: Ends): Promise<DemoClient> {
  const postgres = await startEmbeddedPostgres({
    folder: join(folder, 'postgres'),
    port: await freePort(),
    password: randomBytes(16).toString('hex'),
  });
  ends.push(() => postgres.stop());
  const keyFile = join(folder, 'jwt.pem');
  writeFileSync(keyFile, generateSigningKeyPem(), { mode: 0o600 });
  const administrator = { email: 'admin@example.org', password: randomBytes(16).toString('hex') };
  const ports = ['GATEWAY', 'IDENTITY', 'SERVERS', 'DOCUMENTS'].map((name) => [`MORAG_${name}_PORT`, '0']);
  const system = await startInOneProcess(
    {
      ...(Object.fromEntries(ports) as Record<string, string>),
      MORAG_DATABASE_URL: postgres.url,
      MORAG_AUTO_MIGRATE: 'true',
      MORAG_MASTER_KEY: randomBytes(32).toString('base64'),
      MORAG_JWT_SIGNING_KEY_FILE: keyFile,
      MORAG_EGRESS_ALLOW: '127.0.0.0/8',
      MORAG_DATA_DIR: folder,
      MORAG_LOG_LEVEL: 'error',
    },
    administrator,
  );
  ends.push(() => system.stop());
  return createDemoClient(`http://127.0.0.1:${system.ports.gateway}`, administrator);
}

async function startVictim(vendor: string, folder: string, ends: Ends): Promise<Victim> {
  const server = await VENDORS[vendor]?.server?.();
  if (!server) throw new Error(`There is no ${vendor} to be had here.`);
  const place = { port: await freePort(), data: join(folder, `${vendor}-data`) };
  const registration = await server.start(place);
  ends.push(() => server.stop(place));
  return {
    name: vendor,
    registration: { ...registration, name: vendor, port: place.port },
    start: () => server.start(place),
    kill: () => server.kill(place),
  };
}

async function play(
  client: DemoClient,
  victims: readonly Victim[],
  picture: DemoPicture,
  signal: AbortSignal,
): Promise<number> {
  const [victim] = victims;
  if (!victim) throw new Error('There is nothing to kill.');
  const database = await client.newDatabase(victims.map(({ registration }) => registration));
  const load = client.startLoad(database, { reads: READS_PER_SECOND, writes: WRITES_PER_SECOND });
  const watching = new AbortController();
  const watched = picture.follow(
    async () => ({ ...load.counts(), placements: await client.placements(database) }),
    AbortSignal.any([signal, watching.signal]),
  );
  try {
    await picture.until(client, database, (all) => all.every(({ state }) => state === 'IN_SYNC'), signal);
    picture.say(
      `two copies, the primary on ${victim.name}; ${READS_PER_SECOND} reads and ${WRITES_PER_SECOND} writes a second`,
    );
    await pause(CALM_MS, undefined, { signal });
    const killedAtMs = performance.now();
    await victim.kill();
    picture.say(`kill -9 ${victim.name}`);
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(FAILOVER_MS_MAX)]);
    await picture.until(
      client,
      database,
      (all) => all.some((each) => each.isPrimary && each.server !== victim.name),
      inTime,
    );
    const tookSeconds = ((performance.now() - killedAtMs) / 1_000).toFixed(1);
    picture.say(`the other copy is the primary, ${tookSeconds} s after the kill`);
    await pause(CALM_MS, undefined, { signal });
    await victim.start();
    picture.say(`${victim.name} is started again`);
    await picture.until(client, database, (all) => all.every(({ state }) => state === 'IN_SYNC'), signal);
    picture.say(`${victim.name} has caught up and is a replica`);
    await pause(CALM_MS / 5, undefined, { signal });
  } finally {
    watching.abort();
    await Promise.all([load.stop(), watched]);
  }
  const { failedReads, acknowledged } = load.counts();
  const firstFailure = load.firstFailure();
  if (firstFailure) picture.say(`the first read that failed: ${firstFailure}`);
  const lost = await client.missing(database, load.acknowledgedIds());
  picture.say(`failed reads: ${failedReads}; acknowledged writes: ${acknowledged}, of them lost: ${lost}`);
  return failedReads + lost === 0 ? 0 : 1;
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
process.exit(await demonstrate(interrupted.signal));
