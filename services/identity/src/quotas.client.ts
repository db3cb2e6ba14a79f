import { createClient } from '@connectrpc/connect';
import type { ServiceTokens } from '@morag/auth';
import { QuotaService as DocumentsQuotaService } from '@morag/gen/morag/documents/v1/quota_service_pb.ts';
import { QuotaService as ServersQuotaService } from '@morag/gen/morag/servers/v1/quota_service_pb.ts';
import type { ReadQuotas } from './modules/quota/quota.handlers.ts';
import type { OwningServices } from './modules/user/deleted-user.relay.ts';

/** Reads the quotas of the services that keep what users own. */
export function createReadQuotas(services: OwningServices, tokens: ServiceTokens): ReadQuotas {
  const servers = createClient(ServersQuotaService, services.servers);
  const documents = createClient(DocumentsQuotaService, services.documents);
  return async (ownerId, signal) => {
    const as = async (audience: string) => {
      const token = await tokens.issue({ audience, ownerId, permissions: [] });
      return { signal, headers: { authorization: `Bearer ${token}` } };
    };
    const answers = await Promise.all([
      servers.listQuotas({}, await as('servers')),
      documents.listQuotas({}, await as('documents')),
    ]);
    return answers.flatMap(({ quotas }) => quotas);
  };
}
