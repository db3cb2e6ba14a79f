import { type CommandResult, run } from '../command.ts';
import { checkBoundaries } from './boundaries.ts';
import { checkBreaking } from './breaking.ts';
import { checkGenerated } from './generated.ts';
import { checkLinks } from './links.ts';
import { checkLockFile, checkReferences } from './manifests.ts';
import { checkMigrations } from './migrations.ts';

/** One line of `npm run check`. */
export interface Step {
  readonly name: string;
  run(): Promise<CommandResult>;
}

const command = (name: string, program: string, ...args: string[]): Step => ({ name, run: () => run(program, args) });

/** Every check, the slow ones first so that the two lanes end together. */
export const STEPS: readonly Step[] = [
  command('types', 'tsc', '-b', '--emitDeclarationOnly', '--pretty', 'false'),
  command('lint', 'oxlint'),
  command('unused', 'knip', '--no-progress', '--no-config-hints'),
  { name: 'generated', run: checkGenerated },
  { name: 'migrations', run: checkMigrations },
  command('format', 'biome', 'check', '--linter-enabled=false', '--error-on-warnings', '.'),
  command('proto-lint', 'buf', 'lint'),
  command('proto-format', 'buf', 'format', '--diff', '--exit-code', '--path', 'proto/morag'),
  { name: 'breaking', run: checkBreaking },
  { name: 'boundaries', run: async () => checkBoundaries() },
  { name: 'references', run: async () => checkReferences() },
  { name: 'lock', run: async () => checkLockFile() },
  { name: 'links', run: async () => checkLinks() },
];
