import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { UpConfig } from '@morag/config';
import { identityConfig } from '@morag/config';
import { endLeftover } from '@morag/embedded';
import { makeFirstAdministrator } from '@morag/identity';
import { createServiceTransport, type ServiceTransport } from '@morag/rpc';
import type { DataFolder } from './data-folder.ts';
import type { Credentials } from './installation.ts';
import { StartError } from './start-error.ts';
import type { System } from './system.ts';

const ORDER = ['identity', 'servers', 'documents', 'gateway'] as const;
type Name = (typeof ORDER)[number];

const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 10_000;

interface Child {
  readonly name: Name;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/** Runs every service as a process of its own, as Docker and Kubernetes do; they call each other over the network. */
export async function startSeparately(
  env: Record<string, string>,
  config: UpConfig,
  folder: DataFolder,
  administrator: Credentials,
): Promise<System> {
  await makeFirstAdministrator(identityConfig(env), administrator);
  const children: Child[] = [];
  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    for (const child of children.splice(0).reverse()) await child.stop();
  };
  try {
    for (const name of ORDER) {
      const child = await startChild(name, env, folder);
      children.push(child);
      await untilReady(child, config);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const first = Promise.race(children.map(({ name, exited }) => exited.then(() => name)));
  const transports = {
    identity: to(config, 'identity'),
    servers: to(config, 'servers'),
    documents: to(config, 'documents'),
  };
  return {
    transports,
    lost: first.then((name) => (stopping ? new Promise(() => {}) : `The ${name} process has ended.`)),
    async stop() {
      for (const transport of Object.values(transports)) transport.close();
      await stop();
    },
  };
}

function to({ addresses }: UpConfig, name: Name): ServiceTransport {
  return createServiceTransport({ baseUrl: `http://${addresses[name].host}:${addresses[name].port}` });
}

async function startChild(name: Name, env: Record<string, string>, folder: DataFolder): Promise<Child> {
  const program = fileURLToPath(new URL(`../../../services/${name}/src/main.ts`, import.meta.url));
  const pidFile = folder.at('run', `${name}.pid`);
  mkdirSync(folder.at('run'), { recursive: true });
  if (existsSync(pidFile)) await endLeftover(Number(readFileSync(pidFile, 'utf8')), program, 'SIGTERM', STOP_MS_MAX);
  // Detached, so that Ctrl-C reaches only us and things stop in order. All they print are logs.
  const child = spawn(process.execPath, [program], { env, detached: true, stdio: ['ignore', 2, 2] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  writeFileSync(pidFile, String(child.pid));
  return {
    name,
    exited,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      await exited;
      clearTimeout(timer);
      rmSync(pidFile, { force: true });
    },
  };
}

async function untilReady({ name, exited }: Child, { addresses }: UpConfig): Promise<void> {
  const { host, port } = addresses[name];
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  for (const deadline = Date.now() + READY_MS_MAX; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (ended) throw new StartError(`The ${name} service did not start; what it said stands above`);
    const ready = await fetch(`http://${host}:${port}/readyz`, { signal: AbortSignal.timeout(2000) }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    if (Date.now() > deadline) throw new StartError(`The ${name} service is not ready after ${READY_MS_MAX / 1000} s`);
  }
}
