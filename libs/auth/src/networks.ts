import { BlockList, isIP } from 'node:net';

/** A set of address ranges. */
export interface Networks {
  /** Whether an address lies in one of them; something that is no address does not. */
  has(address: string): boolean;
}

const MAPPED = /^::ffff:(?=\d+\.)/i;

/** Ranges in CIDR notation. Throws for a text that is none. */
export function createNetworks(cidrs: readonly string[]): Networks {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [net = '', prefix] = cidr.split('/');
    const bits = isIP(net) === 4 ? 32 : 128;
    list.addSubnet(net, prefix === undefined ? bits : Number(prefix), isIP(net) === 4 ? 'ipv4' : 'ipv6');
  }
  return {
    has(given) {
      const address = plainAddress(given);
      const version = isIP(address);
      return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

/** An address as people write it: a dual-stack socket shows IPv4 callers as `::ffff:192.0.2.1`. */
export function plainAddress(address: string): string {
  return address.replace(MAPPED, '');
}
