import type { ServiceImpl } from '@connectrpc/connect';
import { requirePrincipal } from '@morag/auth';
import type { QuotaService } from '@morag/gen/morag/identity/v1/quota_service_pb.ts';
import type { Quota } from '@morag/gen/morag/servers/v1/quota_pb.ts';

/** Asks every service for the quotas that it keeps. */
export type ReadQuotas = (ownerId: string, signal: AbortSignal) => Promise<readonly Quota[]>;

/** QuotaService over what the other services count. */
export function quotaHandlers({ readQuotas }: { readonly readQuotas: ReadQuotas }): ServiceImpl<typeof QuotaService> {
  return {
    async listQuotas(_request, context) {
      const { userId } = requirePrincipal(context);
      return { quotas: [...(await readQuotas(userId, context.signal))] };
    },
  };
}
