import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@morag/embedded';
import { type DaemonSpec, isListening, livePid, startDaemon, stopDaemon } from './daemon.ts';
import { serversFolder } from './folders.ts';
import { buildGoProgram } from './go.ts';
import { LabError, type LabServer, type Registration, type StartOptions } from './lab-server.ts';

const VERSION = '1.35.2';
const PROGRAM = { path: 'github.com/weaviate/weaviate/cmd/weaviate-server', version: `v${VERSION}` };
const START_TIMEOUT_MS = 60_000;

/** What a node needs beside its data and its REST port, and keeps for its life. */
interface NodeSettings {
  readonly ports: InnerPorts;
  /** Made for this node: gRPC listens on every address of the machine. */
  readonly apiKey: string;
}

/** What Weaviate listens on beside REST; its consensus log remembers the last two. */
interface InnerPorts {
  readonly grpc: number;
  readonly gossip: number;
  readonly data: number;
  readonly raft: number;
  readonly rpc: number;
}

/** One node of Weaviate, built from source by the Go tool: its makers publish binaries in container images only. */
export const weaviateServer: LabServer = {
  defaultPort: 18_080,
  version: VERSION,
  isInstalled: () => existsSync(binary()),

  async install() {
    if (weaviateServer.isInstalled()) return;
    mkdirSync(serversFolder(), { recursive: true });
    await buildGoProgram(PROGRAM, binary());
  },

  async start(options) {
    await weaviateServer.install();
    const settings = await settingsOf(options);
    const { ports } = settings;
    const spec = specOf(options, settings);
    if (livePid(spec) === undefined) {
      for (const port of [options.port, ...Object.values(ports)]) {
        if (await isListening(port)) throw new LabError(`Port ${port} is taken by another program.`);
      }
      await startDaemon(spec, () => isReady(options.port, ports.grpc), START_TIMEOUT_MS);
    }
    return registrationOf(options.port, settings);
  },

  stop: (options) => stopDaemon(specOf(options), 'SIGTERM'),
  kill: (options) => stopDaemon(specOf(options), 'SIGKILL'),
};

function registrationOf(port: number, { ports, apiKey }: NodeSettings): Registration {
  return {
    type: 'WEAVIATE',
    host: '127.0.0.1',
    port,
    username: '',
    password: '',
    apiKey,
    database: '',
    config: { grpcPort: ports.grpc },
  };
}

async function isReady(port: number, grpcPort: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(2_000);
    const { ok } = await fetch(`http://127.0.0.1:${port}/v1/.well-known/ready`, { signal });
    return ok && (await isListening(grpcPort));
  } catch {
    return false;
  }
}

/** Kept with the data: a node that comes back at other addresses takes itself for another one. */
async function settingsOf({ port, data }: StartOptions): Promise<NodeSettings> {
  const file = join(data, 'node.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as NodeSettings;
  const settings = { ports: await freePorts(port), apiKey: randomUUID() };
  mkdirSync(join(data, 'db'), { recursive: true });
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
  return settings;
}

async function freePorts(restPort: number): Promise<InnerPorts> {
  const next = async (): Promise<number> => {
    const port = await freePort();
    return port === restPort ? next() : port;
  };
  return { grpc: await next(), gossip: await next(), data: await next(), raft: await next(), rpc: await next() };
}

function specOf({ port, data }: StartOptions, settings?: NodeSettings): DaemonSpec {
  return {
    command: binary(),
    args: ['--host', '127.0.0.1', '--port', String(port), '--scheme', 'http'],
    cwd: data,
    env: settings && environmentOf(data, settings),
    pidFile: `${data}.pid`,
    logFile: `${data}.log`,
    // Its command line does not name the data.
    mark: `--port\0${port}\0`,
    port,
  };
}

function environmentOf(data: string, { ports, apiKey }: NodeSettings): Record<string, string> {
  return {
    PERSISTENCE_DATA_PATH: join(data, 'db'),
    DEFAULT_VECTORIZER_MODULE: 'none',
    API_BASED_MODULES_DISABLED: 'true',
    AUTOSCHEMA_ENABLED: 'false',
    AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED: 'false',
    AUTHENTICATION_APIKEY_ENABLED: 'true',
    AUTHENTICATION_APIKEY_ALLOWED_KEYS: apiKey,
    AUTHENTICATION_APIKEY_USERS: 'admin',
    AUTHORIZATION_ADMINLIST_ENABLED: 'true',
    AUTHORIZATION_ADMINLIST_USERS: 'admin',
    DISABLE_TELEMETRY: 'true',
    GO_PROFILING_DISABLE: 'true',
    PROMETHEUS_MONITORING_ENABLED: 'false',
    LOG_LEVEL: 'warning',
    GRPC_PORT: String(ports.grpc),
    CLUSTER_HOSTNAME: 'node1',
    CLUSTER_ADVERTISE_ADDR: '127.0.0.1',
    CLUSTER_BIND_ADDR: '127.0.0.1',
    CLUSTER_GOSSIP_BIND_PORT: String(ports.gossip),
    CLUSTER_DATA_BIND_PORT: String(ports.data),
    // This one listens on every address, too.
    CLUSTER_BASIC_AUTH_USERNAME: 'node',
    CLUSTER_BASIC_AUTH_PASSWORD: apiKey,
    RAFT_PORT: String(ports.raft),
    RAFT_INTERNAL_RPC_PORT: String(ports.rpc),
    RAFT_BOOTSTRAP_EXPECT: '1',
    RAFT_ENABLE_ONE_NODE_RECOVERY: 'true',
    RAFT_TIMEOUTS_MULTIPLIER: '1',
    RAFT_DRAIN_SLEEP: '10ms',
    // A nearly full disk makes it read-only, which says nothing about a test.
    DISK_USE_WARNING_PERCENTAGE: '99',
    DISK_USE_READONLY_PERCENTAGE: '99',
    GOMEMLIMIT: '768MiB',
    GOMAXPROCS: String(Math.min(4, availableParallelism())),
  };
}

function binary(): string {
  return join(serversFolder(), `weaviate-${VERSION}`);
}
