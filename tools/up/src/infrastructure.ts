import type { UpConfig } from '@morag/config';
import {
  type EmbeddedChroma,
  type EmbeddedPostgres,
  EmbeddedServerError,
  endLeftoverChroma,
  endLeftoverPostgres,
  isPortFree,
  startEmbeddedChroma,
  startEmbeddedPostgres,
} from '@morag/embedded';
import pg from 'pg';
import type { DataFolder } from './data-folder.ts';
import { StartError } from './start-error.ts';

/** The databases that an installation on one machine brings along. */
export interface Infrastructure {
  /** Where the services find PostgreSQL. */
  readonly databaseUrl: string;
  readonly chroma: EmbeddedChroma;
  /** Lines for the person who started it. */
  readonly notes: readonly string[];
  /** Settles when a database has ended by itself, with a sentence that says which. */
  readonly lost: Promise<string>;
  stop(): Promise<void>;
}

const DATABASE = 'morag';

/** Starts Chroma and, unless the configuration names a PostgreSQL, that too. */
export async function startInfrastructure(
  config: UpConfig,
  folder: DataFolder,
  postgresPassword: string,
): Promise<Infrastructure> {
  await requireFreePorts(config, folder);
  const { postgres: postgresAt, chroma: chromaAt } = config.addresses;
  const [postgres, chroma] = await both(
    config.databaseUrl === undefined
      ? startEmbeddedPostgres({ folder: folder.at('postgres'), port: postgresAt.port, password: postgresPassword })
      : Promise.resolve(undefined),
    startEmbeddedChroma({ folder: folder.at('chroma'), port: chromaAt.port }),
  );
  let stopping = false;
  const lost = Promise.race([
    ...(postgres ? [postgres.exited.then(() => 'PostgreSQL')] : []),
    chroma.exited.then(() => 'Chroma'),
  ]).then((name) => (stopping ? new Promise<string>(() => {}) : `The embedded ${name} has ended.`));
  return {
    databaseUrl: config.databaseUrl ?? (await ensureDatabase(postgres)),
    chroma,
    notes: postgres?.note === undefined ? [] : [postgres.note],
    lost,
    async stop() {
      stopping = true;
      await Promise.all([postgres?.stop(), chroma.stop()]);
    },
  };
}

/** Starts both at once; when one fails, the other does not stay behind. */
async function both(
  postgres: Promise<EmbeddedPostgres | undefined>,
  chroma: Promise<EmbeddedChroma>,
): Promise<[EmbeddedPostgres | undefined, EmbeddedChroma]> {
  const [first, second] = await Promise.allSettled([postgres, chroma]);
  if (first.status === 'fulfilled' && second.status === 'fulfilled') return [first.value, second.value];
  if (first.status === 'fulfilled') await first.value?.stop();
  if (second.status === 'fulfilled') await second.value.stop();
  const reason: unknown = first.status === 'rejected' ? first.reason : (second as PromiseRejectedResult).reason;
  throw reason instanceof EmbeddedServerError ? new StartError(reason.message) : reason;
}

/** Everything that is about to listen, checked before anything is started, so that a refusal leaves nothing running. */
async function requireFreePorts({ addresses, databaseUrl }: UpConfig, folder: DataFolder): Promise<void> {
  await Promise.all([endLeftoverPostgres(folder.at('postgres')), endLeftoverChroma(folder.at('chroma'))]);
  for (const [name, { host, port }] of Object.entries(addresses)) {
    if (name === 'memory' || (name === 'postgres' && databaseUrl !== undefined)) continue;
    if (await isPortFree(port, host)) continue;
    const variable = `MORAG_${name.toUpperCase()}_PORT`;
    throw new StartError(
      `Port ${port} (${name}) is in use by another program; stop it, or set ${variable} to another port`,
    );
  }
}

async function ensureDatabase(postgres: EmbeddedPostgres | undefined): Promise<string> {
  if (!postgres) throw new Error('there is neither a PostgreSQL nor the URL of one');
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(DATABASE)}`);
  } finally {
    await client.end();
  }
  const url = new URL(postgres.url);
  url.pathname = `/${DATABASE}`;
  return url.href;
}
