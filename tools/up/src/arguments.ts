import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What `npm start` was asked for. */
export interface Arguments {
  /** Absolute; its documents are ingested after the start. */
  readonly folder: string | undefined;
  readonly help: boolean;
}

/** The command line is not one that we understand; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What `--help` prints. */
export const USAGE = `npm start [-- FOLDER]

Runs MoRAG on this machine: PostgreSQL, Chroma, all services and the gateway.
With FOLDER, ingests every document in it into the database "default".

Data are kept in MORAG_DATA_DIR (./.morag); .env.example lists all variables.
`;

/** Reads the command line. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv);
  if (positionals.length > 1) throw new UsageError('Give one folder, or none.');
  const [folder] = positionals;
  if (folder !== undefined && !isFolder(folder)) throw new UsageError(`${folder} is not a folder.`);
  return { folder: folder === undefined ? undefined : resolve(folder), help: values.help };
}

function parse(argv: readonly string[]): { values: { help: boolean }; positionals: string[] } {
  try {
    const options = { help: { type: 'boolean', short: 'h', default: false } } as const;
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
