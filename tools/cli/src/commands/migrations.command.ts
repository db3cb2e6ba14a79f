import { documentsConfig, identityConfig, serversConfig } from '@morag/config';
import { loadRootKey } from '@morag/crypto';
import { schema as documents } from '@morag/documents';
import { schema as identity } from '@morag/identity';
import { type Database, migrate, pendingMigrations } from '@morag/orm';
import { schema as servers } from '@morag/servers';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { installationEnvironment } from '../installation-environment.ts';
import { withDatabase } from '../service-database.ts';

const SERVICES = {
  identity: { definition: identity, config: identityConfig },
  servers: { definition: servers, config: serversConfig },
  documents: { definition: documents, config: documentsConfig },
} as const;

/** `morag migrations`, which goes to PostgreSQL itself: the services need not run. */
export function addMigrations(program: Command, context: Context): void {
  const migrations = program
    .command('migrations')
    .description('the schemas of the services, in the PostgreSQL of MORAG_DATABASE_URL');
  migrations
    .command('status')
    .description('exit code 1 when a migration is pending')
    .action(async () => {
      const rows = await eachService(context, async (db) => ({ pending: (await pendingMigrations(db)).join(' ') }));
      context.output.table(rows, ['service', 'pending']);
      if (rows.some(({ pending }) => pending !== '')) process.exitCode = 1;
    });
  migrations
    .command('apply')
    .description('brings every schema up to date; safe to repeat and to run twice at once')
    .action(async () => {
      const rows = await eachService(context, async (db) => ({ applied: (await migrate(db)).join(' ') }));
      context.output.table(rows, ['service', 'applied']);
    });
}

async function eachService(
  { env }: Context,
  work: (db: Database) => Promise<Record<string, string>>,
): Promise<Record<string, string>[]> {
  const rows: Record<string, string>[] = [];
  for (const [service, { definition, config }] of Object.entries(SERVICES)) {
    const found = config({ ...installationEnvironment(env), MORAG_AUTO_MIGRATE: 'false' });
    const rootKey = await loadRootKey(found.masterKey);
    rows.push({ service, ...(await withDatabase({ definition, config: found, rootKey }, work)) });
  }
  return rows;
}
