import type { ServiceImpl } from '@connectrpc/connect';
import { requirePrincipal } from '@morag/auth';
import type { QuotaService } from '@morag/gen/morag/servers/v1/quota_service_pb.ts';
import type { QuotaStore } from './quota.store.ts';
import type { RecordQuota } from './record-quota.ts';

/** What QuotaService works with. */
export interface QuotaHandlersDeps {
  readonly quotas: QuotaStore;
  readonly recordQuota: Pick<RecordQuota, 'used'>;
}

/** QuotaService over the counts. */
export function quotaHandlers({ quotas, recordQuota }: QuotaHandlersDeps): ServiceImpl<typeof QuotaService> {
  return {
    async listQuotas(_request, context) {
      const { userId } = requirePrincipal(context);
      const [servers, databases, webhooks, records] = await Promise.all([
        quotas.used('servers', userId),
        quotas.used('databases', userId),
        quotas.used('webhooks', userId),
        recordQuota.used(userId),
      ]);
      const used = { servers, databases, webhooks, records };
      return {
        quotas: (['servers', 'databases', 'webhooks', 'records'] as const).map((name) => ({
          name,
          limit: BigInt(quotas.limits[name]),
          used: BigInt(used[name]),
        })),
      };
    },
  };
}
