import type { Command } from 'commander';
import { type Context, listAll } from '../context.ts';

interface Report {
  readonly chains?: string;
  readonly events?: string;
  readonly faults?: readonly { readonly ownerId: string; readonly sequence: string; readonly description: string }[];
}

/** `morag audit`. */
export function addAudit(program: Command, context: Context): void {
  const audit = program.command('audit').description('who did what');
  audit
    .command('list')
    .option('--filter <filter>', `for example 'outcome = DENIED AND create_time > "2026-11-22T00:00:00Z"'`, '')
    .action(async ({ filter }: { readonly filter: string }) => {
      const path = `/v1/audit-events?filter=${encodeURIComponent(filter)}`;
      const rows = await listAll(context.api(), path, 'auditEvents');
      const columns = ['createTime', 'action', 'target', 'outcome', 'userId', 'apiKeyId', 'address', 'requestId'];
      context.output.table(rows, columns);
    });
  audit
    .command('verify')
    .description('exit code 1 when an event was changed or taken out')
    .action(async () => {
      const report = await context.api().call<Report>('GET', '/v1/audit-events:verify');
      const { chains = '0', events = '0', faults = [] } = report;
      const lines = faults.map((fault) => `${fault.ownerId} event ${fault.sequence}: ${fault.description}`);
      const summary = `${events} events in ${chains} chains, ${faults.length === 0 ? 'all as they were written' : 'broken:'}`;
      context.output.text([summary, ...lines].join('\n'), report);
      if (faults.length > 0) process.exitCode = 1;
    });
}
