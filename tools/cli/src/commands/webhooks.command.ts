import type { Command } from 'commander';
import { type Context, listAll } from '../context.ts';

interface MadeWebhook {
  readonly webhook: { readonly id: string };
  readonly secret: string;
}

interface WebhookTest {
  readonly success?: boolean;
  readonly message: string;
}

/** `morag webhooks`: who is told what happens. */
export function addWebhooks(program: Command, context: Context): void {
  const webhooks = program.command('webhooks').description('addresses that are told of failovers and jobs');
  webhooks.command('list').action(async () => {
    const rows = await listAll(context.api(), '/v1/webhooks', 'webhooks');
    context.output.table(rows, ['id', 'url', 'eventTypes', 'lastDeliveryTime', 'lastFailure', 'lostEventCount']);
  });
  webhooks
    .command('create <url>')
    .description('prints the secret of its signatures, which is shown this once')
    .option('-e, --event <type...>', 'only these, for example FAILOVER JOB_FAILED; all unless named')
    .action(async (url: string, { event: eventTypes }: { readonly event?: readonly string[] }) => {
      const made = await context.api().call<MadeWebhook>('POST', '/v1/webhooks', { url, eventTypes });
      context.output.text(made.secret, made);
    });
  webhooks
    .command('test <id>')
    .description('posts an event of the type TEST; exit code 1 when it is not taken')
    .action(async (id: string) => {
      const path = `/v1/webhooks/${encodeURIComponent(id)}:test`;
      const result = await context.api().call<WebhookTest>('POST', path, {});
      context.output.text(result.message, result);
      if (result.success !== true) process.exitCode = 1;
    });
  webhooks.command('delete <id>').action(async (id: string) => {
    await context.api().call('DELETE', `/v1/webhooks/${encodeURIComponent(id)}`);
    context.output.text('deleted', { deleted: id });
  });
}
