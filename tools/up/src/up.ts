import { documentsConfig, type Environment, type UpConfig, upConfig } from '@morag/config';
import { createEmbedder } from '@morag/embedder';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { ensureFirstDatabase } from './first-database.ts';
import { type Infrastructure, startInfrastructure } from './infrastructure.ts';
import { ingestFolder, listFiles } from './ingest-folder.ts';
import { type Installation, openInstallation } from './installation.ts';
import { startInOneProcess } from './one-process.ts';
import { createProgress } from './progress-bar.ts';
import { startSeparately } from './separate-processes.ts';
import { serviceEnvironment } from './service-environment.ts';
import { openSession, type Session } from './session.ts';
import type { System } from './system.ts';

/** See up. */
export interface UpOptions {
  readonly env: Environment;
  /** Ingested once the system is ready. */
  readonly folder: string | undefined;
  /** Aborted by Ctrl-C and SIGTERM: everything stops in order. */
  readonly signal: AbortSignal;
}

/** Runs the whole system until it is told to stop. Returns the exit code. */
export async function up({ env, folder, signal }: UpOptions): Promise<number> {
  const config = upConfig(env);
  const data = openDataFolder(config.dataDir);
  const parts: { stop(): Promise<void> }[] = [];
  try {
    const gateway = `${config.tls ? 'https' : 'http'}://${config.addresses.gateway.host}:${config.addresses.gateway.port}`;
    const installation = await openInstallation(data, gateway);
    const infrastructure = await startInfrastructure(config, data, installation.postgresPassword);
    parts.push(infrastructure);
    for (const note of infrastructure.notes) process.stderr.write(`${note}\n`);
    const { databaseUrl } = infrastructure;
    const services = serviceEnvironment(env, config, { installation, databaseUrl, dataDir: data.path });
    const system = await startSystem(services, config, data, installation);
    parts.push(system);
    const session = openSession(system.transports.identity, installation.administrator);
    const databaseId = await firstDatabase(system, session, infrastructure, services);
    process.stdout.write(
      `MoRAG is ready at ${gateway}\nThe administrator's password is in ${installation.credentialsFile}\n`,
    );
    if (folder !== undefined) await ingest(system, session, { folder, databaseId, gateway, signal });
    return await untilTheEnd(signal, [infrastructure.lost, system.lost]);
  } catch (error) {
    if (signal.aborted) return 130;
    throw error;
  } finally {
    for (const part of parts.reverse()) await part.stop();
    data.release();
  }
}

function startSystem(
  env: Record<string, string>,
  config: UpConfig,
  data: DataFolder,
  { administrator }: Installation,
): Promise<System> {
  return config.processes === 'separate'
    ? startSeparately(env, config, data, administrator)
    : startInOneProcess(env, administrator);
}

async function firstDatabase(
  system: System,
  session: Session,
  { chroma }: Infrastructure,
  env: Record<string, string>,
): Promise<string> {
  const embedder = createEmbedder(documentsConfig(env).embedder);
  try {
    return await ensureFirstDatabase(system.transports.servers, session, chroma, embedder);
  } finally {
    await embedder.close();
  }
}

async function ingest(
  system: System,
  session: Session,
  { folder, databaseId, gateway, signal }: { folder: string; databaseId: string; gateway: string; signal: AbortSignal },
): Promise<void> {
  const files = await listFiles(folder);
  if (files.length === 0) {
    process.stderr.write(`There is no file in ${folder}.\n`);
    return;
  }
  const bar = createProgress(files.length);
  const options = { folder, databaseId, files, progress: bar.report, signal };
  const results = await ingestFolder(system.transports.documents, session, options).finally(() => bar.stop());
  const failed = results.filter(({ failure }) => failure !== undefined);
  for (const { name, failure } of failed) process.stderr.write(`${name}: ${failure}\n`);
  process.stdout.write(`Ingested ${results.length - failed.length} of ${results.length} files. Ask them something:

  npx morag search "..."

or over HTTP:

  curl -s ${gateway}/v1/databases/${databaseId}:search \\
    -H "Authorization: Bearer $(npx morag token)" \\
    -H 'Content-Type: application/json' -d '{"query": "...", "topK": 3}'
`);
}

/** Stays up until it is told to stop, or until a part that nothing works without has gone. */
async function untilTheEnd(signal: AbortSignal, losses: readonly Promise<string>[]): Promise<number> {
  const stopped = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const lost = await Promise.race([stopped, ...losses]);
  if (lost === undefined) return 0;
  process.stderr.write(`${lost} Stopping the rest.\n`);
  return 1;
}
