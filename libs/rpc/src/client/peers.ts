import type { Transport } from '@connectrpc/connect';
import type { TlsMaterial } from '../tls/tls-material.ts';
import { type ServiceTransport, transportTo } from './service-transport.ts';

/** The services that one calls, by name. */
export type Peers<Name extends string> = Readonly<Record<Name, Transport>> & {
  /** Closes the connections that were opened to them, and stops following the certificates. */
  close(): void;
};

/** See openPeers. */
export interface PeersOptions<Name extends string> {
  readonly addresses: Readonly<Record<Name, { readonly host: string; readonly port: number }>>;
  /** Services of this process; the others are called over the network. */
  readonly given?: Readonly<Partial<Record<Name, Transport>>>;
  readonly tls?: TlsMaterial;
}

/** The services of these names: those of this process as they are given, the others over the network. */
export function openPeers<Name extends string>(
  names: readonly Name[],
  { addresses, given, tls }: PeersOptions<NoInfer<Name>>,
): Peers<Name> {
  const opened: ServiceTransport[] = [];
  const open = (name: Name): Transport => {
    const transport = transportTo(addresses[name], tls);
    opened.push(transport);
    return transport;
  };
  const transports = Object.fromEntries(names.map((name) => [name, given?.[name] ?? open(name)]));
  return {
    ...(transports as Record<Name, Transport>),
    close() {
      for (const transport of opened) transport.close();
      tls?.close();
    },
  };
}
