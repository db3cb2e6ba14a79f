import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type DaemonSpec, isListening, livePid, startDaemon, stopDaemon } from './daemon.ts';
import { serversFolder } from './folders.ts';
import { type Artifact, findJava, installJars } from './java.ts';
import { LabError, type LabServer, type Registration, type StartOptions } from './lab-server.ts';

const run = promisify(execFile);

const VERSION = '5.26.30';
/** The database itself, and the server around it, whose entry point wants its classes even with HTTP off. */
const ARTIFACTS: readonly Artifact[] = [
  ['org.neo4j', 'neo4j', VERSION],
  ['org.neo4j.app', 'neo4j-server', VERSION],
];
const JAVA_VERSION = 17;
/** Ten seconds on two idle cores. */
const START_TIMEOUT_MS = 180_000;
const USER = 'neo4j';
/** On loopback, of a server for trying things out: not a secret. */
const PASSWORD = 'morag-servers';
/** The only one that the Community Edition has. */
const DATABASE = 'neo4j';

/** What the server reflects on, as its own start script opens it. */
const OPENED = ['nio', 'io', 'util.concurrent', 'lang'].map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`);
const JAVA_OPTIONS = [
  '-Xms128m',
  '-Xmx512m',
  // For a server that lives for minutes: the better compiler and collector cost more than they save, 67 against 41 s of CPU
  // for its start and a few cases of the suite.
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:+ExitOnOutOfMemoryError',
  '-Dfile.encoding=UTF-8',
  '-Dlog4j2.disable.jmx=true',
  '-Dio.netty.tryReflectionSetAccessible=true',
  ...OPENED,
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
];

/** Neo4j Community out of Maven Central: its makers' own archives are no package of any registry. */
export const neo4jServer: LabServer = {
  defaultPort: 18_687,
  version: VERSION,
  isInstalled: () => existsSync(javaFile()),

  async install() {
    if (neo4jServer.isInstalled()) return;
    const java = await findJava(JAVA_VERSION);
    const building = `${libraryFolder()}.building-${process.pid}`;
    mkdirSync(building, { recursive: true });
    try {
      await installJars(ARTIFACTS, building);
      writeFileSync(join(building, 'java'), java);
      // In one step, so that what is interrupted never looks installed.
      rmSync(libraryFolder(), { recursive: true, force: true });
      renameSync(building, libraryFolder());
    } finally {
      rmSync(building, { recursive: true, force: true });
    }
  },

  async start(options) {
    await neo4jServer.install();
    const java = readFileSync(javaFile(), 'utf8');
    const spec = specOf(options, java);
    if (livePid(spec) === undefined) {
      if (await isListening(options.port)) throw new LabError(`Port ${options.port} is taken by another program.`);
      await prepare(options, java);
      await startDaemon(spec, () => speaksBolt(options.port), START_TIMEOUT_MS);
    }
    return registrationOf(options.port);
  },

  stop: (options) => stopDaemon(specOf(options), 'SIGTERM'),
  kill: (options) => stopDaemon(specOf(options), 'SIGKILL'),
};

function registrationOf(port: number): Registration {
  return {
    type: 'NEO4J',
    host: '127.0.0.1',
    port,
    username: USER,
    password: PASSWORD,
    apiKey: '',
    database: DATABASE,
    config: {},
  };
}

/** Writes the configuration, and before the first start the password, which the data keeps. */
async function prepare({ port, data }: StartOptions, java: string): Promise<void> {
  for (const folder of ['conf', 'data', 'logs', 'plugins', 'import'])
    mkdirSync(join(data, folder), { recursive: true, mode: 0o700 });
  writeFileSync(join(data, 'conf', 'neo4j.conf'), configurationOf(port, data));
  if (existsSync(join(data, 'data', 'databases', 'system'))) return;
  const admin = ['-Xmx128m', '-cp', classPath(), 'org.neo4j.cli.AdminTool'];
  const env = { ...process.env, NEO4J_HOME: data, NEO4J_CONF: join(data, 'conf') };
  try {
    rmSync(join(data, 'data', 'dbms', 'auth.ini'), { force: true });
    await run(java, [...admin, 'dbms', 'set-initial-password', PASSWORD], { env });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new LabError(`Neo4j takes no password in ${data}: ${stderr?.trim() || String(error)}`);
  }
}

function configurationOf(port: number, data: string): string {
  const settings = {
    'server.directories.data': join(data, 'data'),
    'server.directories.logs': join(data, 'logs'),
    'server.directories.plugins': join(data, 'plugins'),
    'server.directories.import': join(data, 'import'),
    'server.default_listen_address': '127.0.0.1',
    'server.bolt.enabled': true,
    'server.bolt.listen_address': `127.0.0.1:${port}`,
    'server.bolt.advertised_address': `127.0.0.1:${port}`,
    'server.bolt.tls_level': 'DISABLED',
    'server.http.enabled': false,
    'server.https.enabled': false,
    'dbms.security.auth_enabled': true,
    'dbms.security.allow_csv_import_from_file_urls': false,
    'dbms.usage_report.enabled': false,
    'server.memory.heap.initial_size': '128m',
    'server.memory.heap.max_size': '512m',
    'server.memory.pagecache.size': '64m',
    // Otherwise an empty database takes half a gigabyte on disk.
    'db.tx_log.preallocate': false,
    'db.tx_log.rotation.size': '16m',
    'db.tx_log.rotation.retention_policy': 'keep_none',
    // Both make an orderly stop wait.
    'db.shutdown_transaction_end_timeout': '2s',
    'internal.dbms.bolt.netty_server_shutdown_quiet_period': 0,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** True once the server agrees on a version of Bolt: any from 5.8 down to 4.4. */
export function speaksBolt(port: number): Promise<boolean> {
  const HELLO = Buffer.from('6060b017' + '00080805' + '00040405' + '00000404' + '00000000', 'hex');
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(HELLO));
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => end(false));
    socket.once('data', (chunk: Buffer) => end(chunk.length >= 4 && chunk.readUInt32BE(0) !== 0));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}

function specOf({ port, data }: StartOptions, java = ''): DaemonSpec {
  const folders = [`--home-dir=${data}`, `--config-dir=${join(data, 'conf')}`];
  return {
    command: java,
    args: [...JAVA_OPTIONS, '-cp', classPath(), 'org.neo4j.server.CommunityEntryPoint', ...folders],
    cwd: data,
    pidFile: `${data}.pid`,
    logFile: `${data}.log`,
    mark: `--home-dir=${data}`,
    port,
  };
}

function libraryFolder(): string {
  return join(serversFolder(), `neo4j-${VERSION}`);
}

function classPath(): string {
  return join(libraryFolder(), 'lib', '*');
}

function javaFile(): string {
  return join(libraryFolder(), 'java');
}
