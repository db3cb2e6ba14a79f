import type { Address, IdentityConfig } from '@morag/config';
import { type TlsMaterial, transportTo } from '@morag/rpc';
import type { OwningServices } from './modules/user/deleted-user.relay.ts';

/** The services that this one calls. */
export interface Peers extends OwningServices {
  /** Closes the connections to them. */
  close(): void;
}

/** Those of this process as they are given, the others over the network. */
export function openPeers({ peers }: IdentityConfig, clients: Partial<OwningServices> = {}, tls?: TlsMaterial): Peers {
  const opened: { close(): void }[] = [];
  const open = (address: Address) => {
    const transport = transportTo(address, tls);
    opened.push(transport);
    return transport;
  };
  return {
    documents: clients.documents ?? open(peers.documents),
    servers: clients.servers ?? open(peers.servers),
    close() {
      for (const transport of opened) transport.close();
      tls?.close();
    },
  };
}
