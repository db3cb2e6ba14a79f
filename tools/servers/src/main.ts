import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { serversFolder } from './folders.ts';
import { LabError, type LabServer } from './lab-server.ts';
import { STARTABLE, VENDORS } from './vendors.ts';

const USAGE = `usage: npm run servers -- install|start|stop [VENDOR…] [--port P] [--data DIR] [--verbose]
vendors: ${STARTABLE.join(', ')}; all of them when none is named
--port and --data belong to one vendor; each port is a server of its own
`;

/** A mistake of the person who typed the command: exit code 2. */
class UsageError extends LabError {}

/** One server, where it runs and what it keeps. */
interface Target {
  readonly name: string;
  readonly server: LabServer;
  readonly port: number;
  readonly data: string;
}

async function main(args: readonly string[]): Promise<void> {
  const { action, targets } = await read(args);
  for (const target of targets) await ACTIONS[action]?.(target);
}

const ACTIONS: Readonly<Record<string, (target: Target) => Promise<void>>> = {
  async install({ name, server }) {
    await server.install();
    say(`${name} ${server.version} is installed in ${serversFolder()}`);
  },
  async start({ name, server, port, data }) {
    if (!server.isInstalled()) say(`installing ${name} ${server.version} …`);
    const registration = await server.start({ port, data });
    say(`${name} ${server.version} answers on port ${port}; data in ${data}`);
    process.stdout.write(`${JSON.stringify(registration)}\n`);
  },
  async stop({ name, server, port, data }) {
    await server.stop({ port, data });
    say(`${name} on port ${port} is stopped`);
  },
};

async function read(args: readonly string[]): Promise<{ action: string; targets: readonly Target[] }> {
  const { values, positionals } = parse(args);
  const [action = '', ...named] = positionals;
  if (!Object.hasOwn(ACTIONS, action)) throw new UsageError(USAGE);
  const unknown = named.find((name) => !STARTABLE.includes(name));
  if (unknown !== undefined) throw new UsageError(`There is no ${unknown} server to be had here.\n${USAGE}`);
  const names = named.length > 0 ? named : STARTABLE;
  if (names.length > 1 && (values.port !== undefined || values.data !== undefined)) {
    throw new UsageError(`--port and --data belong to one vendor.\n${USAGE}`);
  }
  const targets = await Promise.all(names.map((name) => targetOf(name, values)));
  return { action, targets };
}

async function targetOf(name: string, values: { port?: string; data?: string }): Promise<Target> {
  const server = await VENDORS[name]?.server?.();
  if (!server) throw new UsageError(USAGE);
  const port = values.port === undefined ? server.defaultPort : Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UsageError('--port takes a number from 1 to 65535');
  const data = values.data === undefined ? join(serversFolder(), 'data', `${name}-${port}`) : resolve(values.data);
  return { name, server, port, data };
}

function parse(args: readonly string[]) {
  const options = { port: { type: 'string' }, data: { type: 'string' }, verbose: { type: 'boolean' } } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const args = process.argv.slice(2);
process.once('SIGINT', () => process.exit(130));
await main(args).catch((error: unknown) => {
  const text = error instanceof LabError ? error.message : String(error);
  say(text.trimEnd());
  if (args.includes('--verbose') && error instanceof Error) say(error.stack ?? '');
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
