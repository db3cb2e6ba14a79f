import { addressOf } from './addresses.ts';

/**
 * What anyone would write first: asks each server whether it is there, each in its turn within the interval. Prints now and
 * then how many have answered.
 */
const [port = '0', count = '0', intervalMs = '0'] = process.argv.slice(2);
const servers = Number(count);
const everyMs = Number(intervalMs) / servers;
const startMs = performance.now();
let next = 0;
let answered = 0;

async function look(server: number): Promise<void> {
  const response = await fetch(
    `http://${addressOf(server)}:${port}/api/v2/tenants/default_tenant/databases/default_database`,
    {
      signal: AbortSignal.timeout(2_000),
    },
  );
  const answer = (await response.json()) as { name?: string };
  if (answer.name !== 'default_database') throw new Error('this is not the answer');
  answered++;
}

setInterval(() => {
  for (const due = (performance.now() - startMs) / everyMs; next < due; next++) look(next % servers).catch(() => {});
}, 20);

setInterval(() => process.stdout.write(`${answered}\n`), 100);
