import { relative } from 'node:path';
import { createMigration } from '@morag/orm';
import { ROOT } from './projects.ts';
import { listSchemas } from './schemas.ts';

/** `npm run migration -- SERVICE NAME`: writes the migration from a service's snapshot to its entities as they are. */
const [service, name] = process.argv.slice(2);
const schemas = await listSchemas();
const owner = schemas.find(({ schema }) => schema.schema === service);
if (!owner || !name) {
  process.stderr.write(`usage: npm run migration -- ${schemas.map(({ schema }) => schema.schema).join('|')} NAME\n`);
  process.exit(2);
}
const path = await createMigration(owner.schema, name);
process.stdout.write(path ? `wrote ${relative(ROOT, path)}\n` : 'nothing has changed\n');
