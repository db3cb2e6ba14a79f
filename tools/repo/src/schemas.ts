import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SchemaDefinition } from '@morag/orm';
import { listProjects, type Project, ROOT } from './projects.ts';

/** The schema of a project's own tables, which its `src/schema.ts` exports; most projects have none. */
async function schemaOf({ folder }: Project): Promise<SchemaDefinition | undefined> {
  const path = join(ROOT, folder, 'src/schema.ts');
  if (!existsSync(path)) return undefined;
  const { schema } = (await import(pathToFileURL(path).href)) as { schema: SchemaDefinition };
  return schema;
}

/** Every schema with the folder of the project that owns it. */
export async function listSchemas(): Promise<{ folder: string; schema: SchemaDefinition }[]> {
  const found = await Promise.all(
    listProjects().map(async (project) => ({ folder: project.folder, schema: await schemaOf(project) })),
  );
  return found.flatMap(({ folder, schema }) => (schema ? [{ folder, schema }] : []));
}
