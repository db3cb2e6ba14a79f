import type { Command } from 'commander';
import { type Context, idOf, listAll } from '../context.ts';

interface Health {
  readonly status?: string;
  readonly sinceTime?: string;
  readonly uptimeDay?: number;
  readonly lastCheck?: { readonly latencyMs?: number; readonly errorCategory?: string; readonly version?: string };
}

/** `morag servers health` and `events`. */
export function addHealth(servers: Command, context: Context): void {
  servers
    .command('health [server]')
    .description('how all servers do; with a server, its newest checks')
    .action(async (server: string | undefined) => {
      const api = context.api();
      if (server !== undefined) {
        const path = `/v1/servers/${await idOf(api, 'servers', server)}/health-checks?pageSize=50`;
        const { healthChecks = [] } = await api.call<{ healthChecks?: Record<string, unknown>[] }>('GET', path);
        context.output.table(healthChecks, [
          'createTime',
          'status',
          'latencyMs',
          'errorCategory',
          'version',
          'collectionsCount',
        ]);
        return;
      }
      const rows: Record<string, unknown>[] = [];
      for (const { id, name, type } of await listAll(api, '/v1/servers', 'servers')) {
        const health = await api.call<Health>('GET', `/v1/servers/${String(id)}/health`);
        const { latencyMs, errorCategory, version } = health.lastCheck ?? {};
        const { status, sinceTime, uptimeDay } = health;
        rows.push({ name, type, status, sinceTime, uptimeDay, latencyMs, errorCategory, version });
      }
      context.output.table(rows, [
        'name',
        'type',
        'status',
        'sinceTime',
        'uptimeDay',
        'latencyMs',
        'errorCategory',
        'version',
      ]);
    });
  servers
    .command('events <server>')
    .description('the newest connections opened, closed and failed')
    .action(async (server: string) => {
      const api = context.api();
      const path = `/v1/servers/${await idOf(api, 'servers', server)}/events?pageSize=50`;
      const { events = [] } = await api.call<{ events?: Record<string, unknown>[] }>('GET', path);
      context.output.table(events, ['createTime', 'kind', 'detail']);
    });
}
