import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromaServer } from './chroma.server.ts';
import { serversFolder } from './folders.ts';
import { LabError, type LabServer } from './lab-server.ts';
import { pgvectorServer } from './pgvector.server.ts';

const USAGE = `usage: npm run servers -- install|start|stop VENDOR [--port P] [--data DIR] [--verbose]
vendors: chroma, pgvector
`;
const SERVERS: Readonly<Record<string, LabServer>> = { chroma: chromaServer, pgvector: pgvectorServer };
const LATER = ['weaviate', 'neo4j'];

/** A mistake of the person who typed the command: exit code 2. */
class UsageError extends LabError {}

async function main(args: readonly string[]): Promise<void> {
  const { action, name, server, port, data } = read(args);
  switch (action) {
    case 'install':
      await server.install();
      process.stderr.write(`${name} ${server.version} is installed in ${serversFolder()}\n`);
      return;
    case 'start': {
      if (!server.isInstalled()) process.stderr.write(`installing ${name} ${server.version} …\n`);
      const registration = await server.start({ port, data });
      process.stderr.write(`${name} ${server.version} answers on port ${port}; data in ${data}\n`);
      process.stdout.write(`${JSON.stringify(registration)}\n`);
      return;
    }
    case 'stop':
      await server.stop({ port, data });
      process.stderr.write(`${name} on port ${port} is stopped\n`);
      return;
    default:
      throw new UsageError(USAGE);
  }
}

function read(args: readonly string[]) {
  const { values, positionals } = parse(args);
  const [action = '', name = ''] = positionals;
  if (LATER.includes(name)) throw new UsageError(`There is no ${name} server in this version yet.`);
  const server = SERVERS[name];
  if (!server || positionals.length !== 2) throw new UsageError(USAGE);
  const port = values.port === undefined ? server.defaultPort : Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UsageError('--port takes a number from 1 to 65535');
  const data = values.data === undefined ? join(serversFolder(), 'data', `${name}-${port}`) : resolve(values.data);
  return { action, name, server, port, data };
}

function parse(args: readonly string[]) {
  const options = { port: { type: 'string' }, data: { type: 'string' }, verbose: { type: 'boolean' } } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

const args = process.argv.slice(2);
process.once('SIGINT', () => process.exit(130));
await main(args).catch((error: unknown) => {
  const text = error instanceof LabError ? error.message : String(error);
  process.stderr.write(`${text.trimEnd()}\n`);
  if (args.includes('--verbose') && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
