import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';
import { EgressDenied } from './egress.error.ts';

const NAT64 = ipaddr.parseCIDR('64:ff9b::/96');

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
// ASCII that no host name holds. Looked for first, since domainToASCII drops line breaks and what follows a slash.
const FOREIGN = /[\0-,/:-@[-^`{-\x7f]/;
const HOST_LENGTH_MAX = 253;

/**
 * A host as a person typed it: an address in any spelling that some resolver takes (decimal, octal, hexadecimal,
 * shortened, bracketed, mapped, with a trailing dot), or a name in its one canonical form. Anything else is denied, so
 * that no part of the host can reach a URL or a protocol line.
 */
export function parseHost(host: string): Address | string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host.replace(/\.$/, '');
  if (ipaddr.isValid(bare)) return unmapped(ipaddr.parse(bare));
  if (FOREIGN.test(bare)) throw new EgressDenied(host, 'it is neither a host name nor an address');
  // domainToASCII also folds full-width digits and dots, which name an address to some resolvers.
  const name = domainToASCII(bare).replace(/\.$/, '');
  if (name !== bare.toLowerCase() && ipaddr.isValid(name)) return unmapped(ipaddr.parse(name));
  const labels = name.split('.');
  if (name.length > HOST_LENGTH_MAX || !labels.every((label) => LABEL.test(label))) {
    throw new EgressDenied(host, 'it is neither a host name nor an address');
  }
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) {
    throw new EgressDenied(host, 'it ends in a number and is no valid address');
  }
  return name;
}

/** A host as it stands in a URL: an IPv6 address in brackets, whether it came in them or not. */
export function urlHost(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** The IPv4 address that an IPv6 address stands for by itself, else the address. */
export function unmapped(address: Address): Address {
  return address.kind() === 'ipv6' && (address as ipaddr.IPv6).isIPv4MappedAddress()
    ? (address as ipaddr.IPv6).toIPv4Address()
    : address;
}

/**
 * What an address leads to: behind the well-known NAT64 prefix, which DNS64 makes of ordinary names in IPv6-only
 * networks, lies an IPv4 address. The other ways to wrap one (6to4, Teredo, SIIT) have ranges of their own.
 */
export function destination(address: Address): Address {
  if (address.kind() !== 'ipv6' || !address.match(NAT64)) return address;
  const [high = 0, low = 0] = (address as ipaddr.IPv6).parts.slice(6);
  return new ipaddr.IPv4([high >> 8, high & 0xff, low >> 8, low & 0xff]);
}
