import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { type Context, idOf, listAll } from '../context.ts';
import { addDatabases } from './databases.command.ts';
import { addHealth } from './health.command.ts';

/** `morag servers`, `databases`, `documents` and `jobs`. */
export function addResources(program: Command, context: Context): void {
  addServers(program.command('servers').description('registered database servers'), context);
  addDatabases(program.command('databases').description('logical databases'), context);
  addDocuments(program.command('documents').description('uploaded documents'), context);
  program
    .command('jobs')
    .description('ingestion jobs')
    .command('list')
    .action(async () => {
      const rows = await listAll(context.api(), '/v1/jobs', 'jobs');
      context.output.table(rows, ['id', 'documentName', 'status', 'percentage', 'summary']);
    });
}

function addServers(servers: Command, context: Context): void {
  addHealth(servers, context);
  servers.command('list').action(async () => {
    const rows = await listAll(context.api(), '/v1/servers', 'servers');
    context.output.table(rows, ['id', 'name', 'type', 'host', 'port', 'isActive']);
  });
  servers
    .command('test <server>')
    .description('connects and proves the credentials; exit code 1 when that fails')
    .action(async (server: string) => {
      const api = context.api();
      const path = `/v1/servers/${await idOf(api, 'servers', server)}:testConnection`;
      const result = await api.call<{ success: boolean; message: string }>('POST', path, {});
      context.output.text(result.message, result);
      if (!result.success) process.exitCode = 1;
    });
}

function addDocuments(documents: Command, context: Context): void {
  const DATABASE = ['-d, --database <name>', 'name or id', 'default'] as const;
  documents
    .command('list')
    .option(...DATABASE)
    .action(async ({ database }: { database: string }) => {
      const api = context.api();
      const id = await idOf(api, 'databases', database);
      const rows = await listAll(api, `/v1/databases/${id}/documents`, 'documents');
      context.output.table(rows, ['id', 'name', 'type', 'state', 'version', 'chunkCount']);
    });
  documents
    .command('upload <files...>')
    .option(...DATABASE)
    .action(async (files: string[], { database }: { database: string }) => {
      const api = context.api();
      const id = await idOf(api, 'databases', database);
      const uploaded: Record<string, unknown>[] = [];
      for (const file of files) {
        const form = new FormData();
        const content = await openAsBlob(file).catch((cause: unknown) => {
          throw new CliError(`${file} cannot be read`, { cause });
        });
        form.append('file', content, basename(file));
        uploaded.push(await api.send(`/v1/databases/${id}/documents:upload`, form));
      }
      context.output.table(uploaded, ['id', 'name', 'type', 'state', 'jobId']);
    });
  documents.command('delete <id>').action(async (id: string) => {
    await context.api().call('DELETE', `/v1/documents/${encodeURIComponent(id)}`);
    context.output.text('deleted', { deleted: id });
  });
}
