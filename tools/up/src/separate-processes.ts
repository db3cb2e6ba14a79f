import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { fileURLToPath } from 'node:url';
import { type Address, identityConfig, type UpConfig } from '@morag/config';
import { endLeftover } from '@morag/embedded';
import { makeFirstAdministrator } from '@morag/identity';
import { openTls, type ServiceTransport, type TlsMaterial, transportTo } from '@morag/rpc';
import type { DataFolder } from './data-folder.ts';
import type { Credentials } from './installation.ts';
import { StartError } from './start-error.ts';
import type { System } from './system.ts';

const ORDER = ['identity', 'servers', 'documents', 'gateway'] as const;
type Name = (typeof ORDER)[number];

const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 10_000;
const PROBE_MS_MAX = 2_000;

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
  const tls = config.tls && (await openTls(config.tls));
  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    for (const child of children.splice(0).reverse()) await child.stop();
  };
  try {
    for (const name of ORDER) {
      const child = await startChild(name, env, folder);
      children.push(child);
      await untilReady(child, config, tls);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const first = Promise.race(children.map(({ name, exited }) => exited.then(() => name)));
  const to = (name: Name): ServiceTransport => transportTo(config.addresses[name], tls);
  const transports = { identity: to('identity'), servers: to('servers'), documents: to('documents') };
  return {
    transports,
    lost: first.then((name) => (stopping ? new Promise(() => {}) : `The ${name} process has ended.`)),
    async stop() {
      for (const transport of Object.values(transports)) transport.close();
      tls?.close();
      await stop();
    },
  };
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

async function untilReady({ name, exited }: Child, config: UpConfig, tls: TlsMaterial | undefined): Promise<void> {
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  for (const deadline = Date.now() + READY_MS_MAX; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (ended) throw new StartError(`The ${name} service did not start; what it said stands above`);
    if (await isReady(config.addresses[name], tls)) return;
    if (Date.now() > deadline) throw new StartError(`The ${name} service is not ready after ${READY_MS_MAX / 1000} s`);
  }
}

function isReady({ host, port }: Address, tls: TlsMaterial | undefined): Promise<boolean> {
  const options = { host, port, path: '/readyz', agent: false, timeout: PROBE_MS_MAX, ...tls?.client() };
  return new Promise((resolve) => {
    const request = (tls ? https : http).get(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });
}
