import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { type Address, destination, parseHost, unmapped } from './address.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface PolicyOptions {
  /** CIDRs that are allowed though they are private or loopback. */
  readonly allow: readonly string[];
  /** The system's own ports (services, PostgreSQL), denied under every name and address that leads to them. */
  readonly deny?: readonly Endpoint[];
  /** Everything on one machine: loopback and private ranges are allowed, the system's own ports still are not. */
  readonly embedded: boolean;
}

/** Why an address may not be connected to, or undefined. */
export type Policy = (address: string, port: number) => string | undefined;

/** Why an own port is denied. */
export const OWN_PORT = "it is one of the system's own ports";

type Cidr = readonly [Address, number];

// Where clouds answer with credentials. Link-local is denied as a whole; these lie outside of it.
const METADATA_SERVICES = ['100.100.100.200', '192.0.0.192', '168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254'];
const PRIVATE_RANGES = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat', 'benchmarking']);

/** Builds the decision once; a CIDR that is none throws, so that a typing error cannot widen or narrow the rules. */
export function createPolicy({ allow, deny = [], embedded }: PolicyOptions): Policy {
  const allowed: readonly Cidr[] = allow.map((cidr) => ipaddr.parseCIDR(cidr));
  const own = deny.map(({ host, port }) => ({ host: parseHost(host), port }));

  const problemOf = (address: Address): string | undefined => {
    const range: string = address.range();
    if (METADATA_SERVICES.includes(address.toString())) return 'it is a metadata service';
    if (range === 'unicast') return undefined;
    if (!PRIVATE_RANGES.has(range)) return `its address is ${spaced(range)}`;
    if (embedded || allowed.some((cidr) => contains(cidr, address))) return undefined;
    return `its address is ${spaced(range)} (MORAG_EGRESS_ALLOW lists the ranges that are allowed)`;
  };

  return (text, port) => {
    if (!ipaddr.isValid(text)) return 'it did not resolve to an address';
    const address = destination(unmapped(ipaddr.parse(text)));
    const atPort = own.filter((endpoint) => endpoint.port === port).map((endpoint) => endpoint.host);
    return problemOf(address) ?? (isOwn(address, atPort) ? OWN_PORT : undefined);
  };
}

function contains([network, bits]: Cidr, address: Address): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}

// A service that listens on loopback or on every address is reached by every address of this machine.
function isOwn(address: Address, hosts: readonly (Address | string)[]): boolean {
  if (hosts.length === 0) return false;
  const here = address.range() === 'loopback' || localAddresses().has(address.toString());
  return hosts.some((host) => {
    if (typeof host === 'string') return here && host === 'localhost';
    if (host.toString() === address.toString()) return true;
    return here && (host.range() === 'loopback' || host.range() === 'unspecified');
  });
}

function localAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return new Set(all.map(({ address }) => ipaddr.parse(address).toString()));
}

function spaced(range: string): string {
  return range.replaceAll(/([A-Z])/g, ' $1').toLowerCase();
}
