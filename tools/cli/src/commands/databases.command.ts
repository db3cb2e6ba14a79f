import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Api } from '../api.ts';
import { CliError } from '../cli-error.ts';
import { type Context, idOf, listAll } from '../context.ts';

/** A long-running operation, as REST shows it. */
interface Operation {
  readonly name: string;
  readonly done?: boolean;
  readonly metadata?: { readonly stage?: string; readonly percentage?: number };
  readonly error?: { readonly message?: string };
  readonly response?: Record<string, unknown>;
}

const POLL_MS = 500;
const PLACEMENT_COLUMNS = ['id', 'serverId', 'collection', 'role', 'state', 'lag', 'percentage', 'lastError'];

/** `morag databases`: what there is, where it lives, and how it moves. */
export function addDatabases(databases: Command, context: Context): void {
  databases.command('list').action(async () => {
    const rows = await listAll(context.api(), '/v1/databases', 'databases');
    context.output.table(rows, ['id', 'name', 'dimension', 'metric', 'documentCount']);
  });
  databases
    .command('placements <database>')
    .description('where a database lives, and how far each copy is')
    .action(async (database: string) => {
      const path = `${await pathOf(context.api(), database)}/placements`;
      const { placements = [] } = await context.api().call<{ placements?: Record<string, unknown>[] }>('GET', path);
      context.output.table(placements, PLACEMENT_COLUMNS);
    });
  databases
    .command('place <database> <server>')
    .description('puts a replica on a server of any vendor')
    .option('-c, --collection <name>', 'the collection there; made for it unless named')
    .action(async (database: string, server: string, { collection }: { collection?: string }) => {
      const api = context.api();
      const body = { serverId: await idOf(api, 'servers', server), collection };
      const placed = await api.call<Record<string, unknown>>('POST', `${await pathOf(api, database)}/placements`, body);
      context.output.table([placed], PLACEMENT_COLUMNS);
    });
  databases
    .command('unplace <database> <placement>')
    .description('removes a replica and its collection')
    .action(async (database: string, placement: string) => {
      const api = context.api();
      await api.call('DELETE', `${await pathOf(api, database)}/placements/${encodeURIComponent(placement)}`);
      context.output.text('removed', { removed: placement });
    });
  addFailovers(databases, context);
  addOperations(databases, context);
}

function addFailovers(databases: Command, context: Context): void {
  databases
    .command('failover <database> [placement]')
    .description('makes a replica the primary, the freshest unless one is named')
    .option('--force', 'also one that has yet to catch up; nothing is lost either way')
    .action(async (database: string, placementId: string | undefined, { force = false }: { force?: boolean }) => {
      const api = context.api();
      const started = await api.call<Operation>('POST', `${await pathOf(api, database)}:failover`, {
        placementId,
        force,
      });
      const { response = {} } = await follow(api, started);
      context.output.table([response], FAILOVER_COLUMNS);
    });
  databases
    .command('failovers <database>')
    .description('the newest changes of the primary')
    .action(async (database: string) => {
      const api = context.api();
      const path = `${await pathOf(api, database)}/failover-events?pageSize=50`;
      const { failoverEvents = [] } = await api.call<{ failoverEvents?: Record<string, unknown>[] }>('GET', path);
      context.output.table(failoverEvents, FAILOVER_COLUMNS);
    });
}

const FAILOVER_COLUMNS = ['promoteTime', 'fromPlacementId', 'toPlacementId', 'reason', 'firstSequence', 'lastSequence'];

/** What outlasts a call: followed to its end, unless it is not to be waited for. */
function addOperations(databases: Command, context: Context): void {
  databases
    .command('move <database> <server>')
    .description('moves a database to another server while reads and writes go on')
    .option('-c, --collection <name>', 'the collection there; made for it unless named')
    .option('--no-wait', 'answer at once with the name of the operation')
    .action(async (database: string, server: string, options: { collection?: string; wait: boolean }) => {
      const api = context.api();
      const body = { serverId: await idOf(api, 'servers', server), collection: options.collection };
      const started = await api.call<Operation>('POST', `${await pathOf(api, database)}:move`, body);
      if (!options.wait) return context.output.text(started.name, started);
      const { response = {} } = await follow(api, started);
      context.output.table([response], ['id', 'name', 'serverId', 'collection']);
    });
  databases
    .command('verify <database>')
    .description('compares the copies of a database; exit code 1 when they differ')
    .option('--repair', 'mend what differs')
    .action(async (database: string, { repair = false }: { repair?: boolean }) => {
      const api = context.api();
      const started = await api.call<Operation>('POST', `${await pathOf(api, database)}:verify`, { repair });
      const { response = {} } = await follow(api, started);
      context.output.table([response], ['equal', 'missing', 'extra', 'different']);
      if (response.equal !== true) process.exitCode = 1;
    });
  databases
    .command('cancel <operation>')
    .description('cancels a move or a comparison, by the name of its operation')
    .action(async (operation: string) => {
      await context.api().call('POST', `/v1/${operation}:cancel`, {});
      context.output.text('asked to end', { cancelled: operation });
    });
}

async function pathOf(api: Api, database: string): Promise<string> {
  return `/v1/databases/${await idOf(api, 'databases', database)}`;
}

/** Tells on standard error how an operation gets on, and answers it when it is done; a CliError when it failed. */
async function follow(api: Api, started: Operation): Promise<Operation> {
  let told = '';
  for (let operation = started; ; operation = await api.call<Operation>('GET', `/v1/${started.name}`)) {
    const { stage = '', percentage = 0 } = operation.metadata ?? {};
    const line = `${started.name}: ${percentage} % ${stage}`;
    if (line !== told) process.stderr.write(`${line}\n`);
    told = line;
    if (operation.error) throw new CliError(operation.error.message ?? 'The operation failed.');
    if (operation.done) return operation;
    await sleep(POLL_MS);
  }
}
