import type { ServiceImpl } from '@connectrpc/connect';
import { requirePrincipal } from '@morag/auth';
import type { QuotaService } from '@morag/gen/morag/documents/v1/quota_service_pb.ts';
import type { Database } from '@morag/orm';
import { QUOTA_NAMES, type QuotaLimits, usedOf } from './document-quotas.ts';

/** QuotaService over the counts. */
export function quotaHandlers({
  db,
  quotas,
}: {
  readonly db: Database;
  readonly quotas: QuotaLimits;
}): ServiceImpl<typeof QuotaService> {
  return {
    async listQuotas(_request, context) {
      const { userId } = requirePrincipal(context);
      const rows = QUOTA_NAMES.map(async (name) => ({
        name,
        limit: BigInt(quotas[name]),
        used: BigInt(await usedOf(db, name, userId)),
      }));
      return { quotas: await Promise.all(rows) };
    },
  };
}
