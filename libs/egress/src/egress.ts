import { promises as dns, type LookupAddress } from 'node:dns';
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { callbackify } from 'node:util';
import type { Dispatcher } from 'undici';
import { type Address, parseHost } from './address.ts';
import { createHttpDispatcher, type HttpTarget } from './dispatcher.ts';
import { EgressDenied } from './egress.error.ts';
import { createPolicy, OWN_PORT, type PolicyOptions } from './policy.ts';

export type EgressOptions = PolicyOptions;

/** An address that was checked; connect to it, and to nothing that is resolved again. */
export interface VettedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface TlsOptions {
  /** PEM of the certificate authority, in place of the system's. */
  readonly ca?: string;
  /** The name the certificate must carry; the host when absent. */
  readonly servername?: string;
  /** False accepts any certificate. */
  readonly rejectUnauthorized?: boolean;
  /** Protocols to offer (ALPN), for servers that insist: `h2` for gRPC. */
  readonly alpn?: readonly string[];
}

export interface ConnectOptions {
  readonly tls?: TlsOptions;
  readonly signal?: AbortSignal;
}

/** The one way to hosts that users register. The address that was checked is the one connected to. */
export interface Egress {
  /** Every address of the host is checked: one that is not allowed denies the host. */
  resolve(host: string, port: number, signal?: AbortSignal): Promise<VettedAddress>;
  /** The socket is connected, and secured when TLS is asked for. */
  connect(host: string, port: number, options?: ConnectOptions): Promise<Socket>;
  /** For SDKs that take a `dns.lookup`. Node does not call it for literal addresses: `resolve` those first. */
  lookup(port: number): LookupFunction;
  /** For `fetch`, to this origin alone; follows no redirect and bounds what it reads. The caller closes it. */
  dispatcher(target: HttpTarget): Dispatcher;
}

/** Builds the module that opens sockets to vendors, by the operator's rules. */
export function createEgress(options: EgressOptions): Egress {
  const problemOf = createPolicy(options);
  // Own services that are known by name, as in a network of containers: their addresses are looked up when it matters.
  const ownNames = (options.deny ?? []).flatMap(({ host, port }) => {
    const name = parseHost(host);
    return typeof name === 'string' ? [{ name, port }] : [];
  });

  async function isOwn(host: Address | string, port: number, found: readonly VettedAddress[]): Promise<boolean> {
    for (const own of ownNames) {
      if (own.port !== port) continue;
      if (own.name === host) return true;
      const addresses = await lookUp(own.name).catch(() => []);
      if (addresses.some(({ address }) => found.some((each) => each.address === address))) return true;
    }
    return false;
  }

  async function resolveAll(host: string, port: number, signal?: AbortSignal): Promise<readonly VettedAddress[]> {
    signal?.throwIfAborted();
    const parsed = parseHost(host);
    const found = typeof parsed === 'string' ? await lookUp(parsed, signal) : [literal(parsed)];
    for (const { address } of found) {
      const problem = problemOf(address, port);
      if (problem) throw new EgressDenied(host, problem);
    }
    if (await isOwn(parsed, port, found)) throw new EgressDenied(host, OWN_PORT);
    return found;
  }

  const egress: Egress = {
    async resolve(host, port, signal) {
      const [first] = await resolveAll(host, port, signal);
      if (!first) throw new EgressDenied(host, 'it did not resolve to an address');
      return first;
    },
    async connect(host, port, { tls, signal } = {}) {
      const { address, family } = await egress.resolve(host, port, signal);
      return open(host, { address, family, port, tls }, signal);
    },
    lookup:
      (port) =>
      (host, { all, family }, callback) => {
        callbackify(() => resolveAll(host, port))((error, addresses) => {
          const fits = (each: VettedAddress) => (family !== 4 && family !== 6) || each.family === family;
          const wanted = error ? [] : addresses.filter(fits);
          const [first] = wanted;
          if (error) callback(error, '');
          else if (!first) callback(Object.assign(new Error('no such address'), { code: 'ENOTFOUND' }), '');
          else if (all) callback(null, wanted);
          else callback(null, first.address, first.family);
        });
      },
    dispatcher: (target) => createHttpDispatcher(egress, target),
  };
  return egress;
}

function literal(address: Address): VettedAddress {
  return { address: address.toString(), family: address.kind() === 'ipv4' ? 4 : 6 };
}

async function lookUp(host: string, signal?: AbortSignal): Promise<readonly VettedAddress[]> {
  const found = await untilAborted(dns.lookup(host, { all: true }), signal);
  return found.map(({ address, family }: LookupAddress) => ({ address, family: family === 6 ? 6 : 4 }));
}

// The system's resolver cannot be stopped; the caller need not wait for it.
function untilAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

interface Opening extends VettedAddress {
  readonly port: number;
  readonly tls?: TlsOptions;
}

function open(host: string, { address, family, port, tls }: Opening, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const target = { host: address, family, port };
    const socket = tls
      ? connectTls({ ...tls, ...target, servername: servernameOf(host, tls), ALPNProtocols: tls.alpn })
      : connectTcp(target);
    const onAbort = () => socket.destroy(signal?.reason);
    const onError = (error: Error) => {
      signal?.removeEventListener('abort', onAbort);
      reject(error);
    };
    socket.once('error', onError);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      resolve(socket);
    });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** An address as the host needs no server name; a certificate for an address is checked against the host itself. */
function servernameOf(host: string, tls: TlsOptions): string {
  return tls.servername ?? (typeof parseHost(host) === 'string' ? host : '');
}
