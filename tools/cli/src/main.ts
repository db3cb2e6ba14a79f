#!/usr/bin/env node
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { type Api, openApi } from './api.ts';
import { CliError } from './cli-error.ts';
import { addApiKeys } from './commands/api-keys.command.ts';
import { addAudit } from './commands/audit.command.ts';
import { addKeys } from './commands/keys.command.ts';
import { addMigrations } from './commands/migrations.command.ts';
import { addResources } from './commands/resources.command.ts';
import { addSearch } from './commands/search.command.ts';
import { addUsers } from './commands/users.command.ts';
import { addWebhooks } from './commands/webhooks.command.ts';
import type { Context } from './context.ts';
import { createOutput } from './output.ts';

/** Builds the command line; what it runs with comes from outside, so that tests can bring their own. */
function buildProgram(env: Context['env']): Command {
  const program = new Command('morag').description(
    "The operator's tool. Works on the installation in MORAG_DATA_DIR (./.morag).",
  );
  program.option('--json', 'JSON instead of tables').option('--verbose', 'the whole error instead of a line');
  let api: Api | undefined;
  const context: Context = {
    api: () => {
      api ??= openApi(resolve(env.MORAG_DATA_DIR || './.morag'));
      return api;
    },
    get output() {
      return createOutput({ json: program.opts<{ json?: boolean }>().json ?? false });
    },
    env,
  };
  addSearch(program, context);
  addResources(program, context);
  addUsers(program, context);
  addApiKeys(program, context);
  addAudit(program, context);
  addWebhooks(program, context);
  addMigrations(program, context);
  addKeys(program, context);
  return program.exitOverride();
}

/** Exit codes: 0 done, 1 failed, 2 wrong usage. */
async function main(): Promise<void> {
  const program = buildProgram(process.env);
  try {
    await program.parseAsync(process.argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    const { verbose } = program.opts<{ verbose?: boolean }>();
    const line = error instanceof CliError ? error.message : String(error);
    process.stderr.write(`${verbose ? ((error as Error).stack ?? line) : line}\n`);
    process.exitCode = 1;
  }
}

await main();
