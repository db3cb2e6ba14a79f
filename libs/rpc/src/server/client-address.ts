import { isIP } from 'node:net';
import { createNetworks, type Networks, plainAddress } from '@morag/auth';

/** Header in which the gateway, or a proxy, says where a call comes from. */
const FORWARDED_HEADER = 'x-forwarded-for';

/** Peers that are believed when they name the client: loopback, where the gateway stands unless told otherwise. */
export const TRUSTED_PROXIES: readonly string[] = ['127.0.0.0/8', '::1/128'];

/** Tells where a call comes from. */
export type ClientAddress = (peer: string, forwarded: string | null) => string;

/**
 * The client's address is that of the connection's other end. Only a peer in one of these networks is believed when it
 * names another: of a list the last entry, which that peer itself added.
 */
export function createClientAddress(trusted: readonly string[]): ClientAddress {
  const networks: Networks = createNetworks(trusted);
  return (peer, forwarded) => {
    const address = plainAddress(peer);
    return forwarded !== null && networks.has(address) ? named(forwarded, address) : address;
  };
}

/** A call in process comes from this system itself, which is always believed. */
export function inProcessAddress(header: Headers): string {
  return named(header.get(FORWARDED_HEADER) ?? '', '127.0.0.1');
}

/** What the header says, for createClientAddress. */
export function forwardedFor(header: Headers): string | null {
  return header.get(FORWARDED_HEADER);
}

function named(forwarded: string, otherwise: string): string {
  const last = plainAddress(forwarded.split(',').at(-1)?.trim() ?? '');
  return isIP(last) === 0 ? otherwise : last;
}
