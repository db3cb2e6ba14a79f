import type { Command } from 'commander';
import { type Context, idOf, listAll } from '../context.ts';

interface KeyOptions {
  readonly permission?: readonly string[];
  readonly database?: readonly string[];
  readonly server?: readonly string[];
  readonly cidr?: readonly string[];
  readonly expires?: string;
  readonly description?: string;
}

interface MadeKey {
  readonly apiKey: { readonly id: string };
  readonly secret: string;
}

/** `morag api-keys`: the keys of whoever the installation's credentials are. */
export function addApiKeys(program: Command, context: Context): void {
  const keys = program.command('api-keys').description('API keys, for programs');
  keys.command('list').action(async () => {
    const rows = await listAll(context.api(), '/v1/api-keys', 'apiKeys');
    context.output.table(rows, [
      'id',
      'name',
      'permissions',
      'resources',
      'cidrs',
      'expireTime',
      'revokeTime',
      'lastUseTime',
    ]);
  });
  keys
    .command('create <name>')
    .description('prints the key, which is shown this once')
    .option('--permission <permission...>', 'what it may do, for example documents:search')
    .option('--database <database...>', 'limit it to these databases, by name or id')
    .option('--server <server...>', 'limit it to these servers, by name or id')
    .option('--cidr <cidr...>', 'where it may be used from, for example 10.0.0.0/8')
    .option('--expires <time>', 'when it ends, for example 2027-01-01T00:00:00Z')
    .option('--description <text>', 'what it is for')
    .action((name: string, options: KeyOptions) => createKey(context, name, options));
  keys
    .command('rotate <id>')
    .description('prints the new key; the old one works on for the overlap')
    .option('--overlap <seconds>', 'at most 2592000, which is 30 days', '0')
    .action(async (id: string, { overlap }: { readonly overlap: string }) => {
      const made = await context.api().call<MadeKey>('POST', `/v1/api-keys/${id}:rotate`, { overlap: `${overlap}s` });
      context.output.text(made.secret, made);
    });
  keys
    .command('revoke <id>')
    .description('ends it everywhere within a second')
    .action(async (id: string) => {
      const key = await context.api().call('POST', `/v1/api-keys/${id}:revoke`, {});
      context.output.text('revoked', key);
    });
  keys.command('usage <id>').action(async (id: string) => {
    const rows = await listAll(context.api(), `/v1/api-keys/${id}/usage`, 'usage');
    const shown = rows.map((row) => ({ ...row, outcomes: JSON.stringify(row.outcomes) }));
    context.output.table(shown, ['day', 'method', 'calls', 'errors', 'outcomes']);
  });
}

async function createKey(context: Context, name: string, options: KeyOptions): Promise<void> {
  const api = context.api();
  const { permission = [], database = [], server = [], cidr = [], expires, description } = options;
  const resources = await Promise.all([
    ...database.map(async (which) => `databases/${await idOf(api, 'databases', which)}`),
    ...server.map(async (which) => `servers/${await idOf(api, 'servers', which)}`),
  ]);
  const made = await api.call<MadeKey>('POST', '/v1/api-keys', {
    name,
    permissions: permission,
    resources,
    cidrs: cidr,
    ...(expires !== undefined && { expireTime: expires }),
    ...(description !== undefined && { description }),
  });
  context.output.text(made.secret, made);
}
