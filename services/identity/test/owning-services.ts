import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import type { OwningServices } from '../src/modules/user/deleted-user.relay.ts';

/** The services in which users own things, as far as they are told of deleted users. */
export interface OwningServicesDouble extends OwningServices {
  /** `<service>:<owner>` of every call that was answered. */
  readonly purged: readonly string[];
  /** The next so many calls of the servers service fail. */
  failNext(calls: number): void;
}

export function createOwningServices(): OwningServicesDouble {
  const purged: string[] = [];
  let failures = 0;
  return {
    purged,
    failNext(calls) {
      failures = calls;
    },
    documents: createRouterTransport(({ rpc }) => {
      rpc(DocumentService.method.purgeOwner, ({ ownerId }) => {
        purged.push(`documents:${ownerId}`);
        return {};
      });
    }),
    servers: createRouterTransport(({ rpc }) => {
      rpc(ServerService.method.purgeOwner, ({ ownerId }) => {
        if (failures-- > 0) throw new ConnectError('away', Code.Unavailable);
        purged.push(`servers:${ownerId}`);
        return {};
      });
    }),
  };
}
