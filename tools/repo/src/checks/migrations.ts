import { migrationIsMissing } from '@morag/orm';
import type { CommandResult } from '../command.ts';
import { listSchemas } from '../schemas.ts';
import { mistakes } from './result.ts';

/** Every service's entities are what its migrations lead to. */
export async function checkMigrations(): Promise<CommandResult> {
  const schemas = await listSchemas();
  const missing = await Promise.all(schemas.map(({ schema }) => migrationIsMissing(schema)));
  return mistakes(
    schemas.flatMap(({ folder, schema }, index) =>
      missing[index] ? [`${folder}: the entities of ${schema.schema} have changed since its last migration`] : [],
    ),
    'run: npm run migration -- SERVICE name_of_the_change',
  );
}
