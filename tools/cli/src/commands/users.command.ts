import { stdin } from 'node:process';
import { text } from 'node:stream/consumers';
import { identityConfig } from '@morag/config';
import { makeFirstAdministrator } from '@morag/identity';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { type Context, listAll } from '../context.ts';

/** `morag users`. */
export function addUsers(program: Command, context: Context): void {
  const users = program.command('users').description('who may sign in');
  users.command('list').action(async () => {
    const rows = await listAll(context.api(), '/v1/users', 'users');
    context.output.table(rows, ['id', 'email', 'name', 'role', 'disabled']);
  });
  users
    .command('create <email>')
    .description('reads the password from standard input')
    .option('--name <name>', 'default: the address')
    .option('--role <role>', 'ADMIN, USER or VIEWER', 'USER')
    .action(async (email: string, { name = email, role }: { name?: string; role: string }) => {
      const password = await readPassword();
      const user = await context.api().call<{ id: string }>('POST', '/v1/users', { name, email, password, role });
      context.output.text(user.id, user);
    });
  users
    .command('create-administrator <email>')
    .description('the first one, in PostgreSQL itself; does nothing once there is one. Password from standard input')
    .action(async (email: string) => {
      await makeFirstAdministrator(identityConfig(context.env), { email, password: await readPassword() });
      context.output.text('done', { done: true });
    });
}

async function readPassword(): Promise<string> {
  const password = (await text(stdin)).replace(/\r?\n$/, '');
  if (password === '') throw new CliError('Give the password on standard input.');
  return password;
}
