import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from './command.ts';
import { ROOT } from './projects.ts';

/**
 * What is generated, in the order it must be: a later stage runs on what the earlier ones wrote. Nothing that a
 * pattern (from the root) matches is written by hand.
 */
interface Stage {
  readonly patterns: readonly string[];
  /** Writes the files that belong there under `folder`. */
  readonly write: (folder: string) => Promise<void>;
}

const CONTRACTS: Stage = {
  patterns: ['libs/gen/src/**/*.ts', 'libs/gen/morag.binpb'],
  async write(folder) {
    await must('buf', 'generate', '-o', folder);
    await must('buf', 'build', '--as-file-descriptor-set', '-o', join(folder, 'libs/gen/morag.binpb'));
  },
};

/** Loaded only when written: what they import is written by the stage before. */
const PAGES: Stage = {
  patterns: ['.env.example', 'docs/errors.md', 'docs/openapi.json'],
  async write(folder) {
    const [{ renderEnvExample }, { errorsDocument }, { openApiText }] = await Promise.all([
      import('@morag/config'),
      import('@morag/errors/docs.ts'),
      import('@morag/gateway'),
    ]);
    mkdirSync(join(folder, 'docs'));
    writeFileSync(join(folder, '.env.example'), renderEnvExample());
    writeFileSync(join(folder, 'docs/errors.md'), errorsDocument());
    writeFileSync(join(folder, 'docs/openapi.json'), openApiText());
  },
};

export const STAGES: readonly Stage[] = [CONTRACTS, PAGES];

/** A generated file whose copy in the working tree is not what would be generated now. */
export interface Difference {
  /** From the root. */
  readonly path: string;
  /** What belongs there; absent when the file should not exist. */
  readonly wanted?: Buffer;
}

/** Generates a stage into a temporary folder and compares: the working tree is only read. */
export async function findDifferences({ patterns, write }: Stage): Promise<Difference[]> {
  const folder = mkdtempSync(join(tmpdir(), 'morag-generate-'));
  try {
    await write(folder);
    const wanted = globSync(patterns, { cwd: folder });
    const present = globSync(patterns, { cwd: ROOT });
    const stale = present.filter((path) => !wanted.includes(path)).map((path) => ({ path }));
    const changed = wanted.flatMap((path) => {
      const bytes = readFileSync(join(folder, path));
      return present.includes(path) && readFileSync(join(ROOT, path)).equals(bytes) ? [] : [{ path, wanted: bytes }];
    });
    return [...stale, ...changed].sort((one, other) => one.path.localeCompare(other.path));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Brings a file of the working tree to what was generated. */
export function settle({ path, wanted }: Difference): void {
  const target = join(ROOT, path);
  if (!wanted) return rmSync(target);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, wanted);
}

async function must(program: string, ...args: string[]): Promise<void> {
  const { ok, output } = await run(program, args);
  if (!ok) throw new Error(`${program} ${args.join(' ')} failed:\n${output}`);
}
