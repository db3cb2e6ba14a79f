import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Migration } from '@mikro-orm/migrations';

/** One migration as it lies in the repository. */
export interface MigrationFile {
  /** File name without `.ts`: `Migration20261122143000_initial`. Names sort by time. */
  readonly name: string;
  readonly path: string;
  /** SHA-256 of the text, hexadecimal. */
  readonly checksum: string;
}

/** The constructor that a migration file exports. */
type MigrationClass = new (...args: ConstructorParameters<typeof Migration>) => Migration;

const FILE_NAME = /^(Migration\d{14}\w*)\.ts$/;

/** The migrations of a folder, oldest first. A folder that does not exist holds none. */
export async function listMigrations(folder: string): Promise<MigrationFile[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = names.flatMap((file) => FILE_NAME.exec(file)?.[1] ?? []).sort();
  return Promise.all(
    files.map(async (name) => {
      const path = join(folder, `${name}.ts`);
      return { name, path, checksum: checksumOf(await readFile(path, 'utf8')) };
    }),
  );
}

/** Line ends aside: a checkout may change those. */
function checksumOf(text: string): string {
  return createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');
}

/** The statements of a migration, in order. */
export async function statementsOf(
  file: MigrationFile,
  args: ConstructorParameters<typeof Migration>,
): Promise<string[]> {
  const exported: Record<string, unknown> = await import(pathToFileURL(file.path).href);
  const found = exported[file.name];
  if (typeof found !== 'function') throw new Error(`${file.path} does not export a class ${file.name}`);
  const migration = new (found as MigrationClass)(...args);
  await migration.up();
  return migration.getQueries().map((statement) => {
    if (typeof statement !== 'string') throw new Error(`${file.name} adds a statement that is not plain SQL`);
    return statement;
  });
}
