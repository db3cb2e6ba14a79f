import { ConnectorError, type Origin, type ServerSettings } from '@morag/connectors-core';
import type { PineconeOptions } from './pinecone.options.ts';

/** Where an index is served. */
export interface IndexHost {
  readonly host: string;
  readonly port: number;
  /** What goes into the Host header. */
  readonly authority: string;
}

const AUTHORITY = /^(?:(https?):\/\/)?([^/?#@\s]+)\/?$/;

/**
 * Checks the host that the control plane describes for an index before the API key goes there: the registered host
 * itself, at any port, or one in a domain that `indexDomains` names; and never in plain text where TLS was asked for.
 * The egress rules apply on top when it is connected to.
 */
export function indexHost(
  described: string,
  { host, tls }: Pick<ServerSettings, 'host' | 'tls'>,
  { indexDomains }: Pick<PineconeOptions, 'indexDomains'>,
  origin: Origin,
): IndexHost {
  const [, scheme, authority = ''] = AUTHORITY.exec(described) ?? [];
  const secure = tls !== 'DISABLED';
  const url = URL.parse(`${secure ? 'https' : 'http'}://${authority}`);
  if (!url || authority === '') throw denied(origin, described, 'it is no host name');
  if (scheme && (scheme === 'https') !== secure) {
    throw denied(origin, described, secure ? 'it is not reached over TLS' : 'it is reached over TLS only');
  }
  const name = bare(url.hostname);
  const allowed = name === bare(host.toLowerCase()) || indexDomains.some((domain) => name.endsWith(`.${domain}`));
  if (!allowed) throw denied(origin, described, 'it lies outside of indexDomains');
  return { host: name, port: url.port === '' ? (secure ? 443 : 80) : Number(url.port), authority: url.host };
}

function bare(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

function denied(origin: Origin, described: string, why: string): ConnectorError {
  const text = `The server names ${JSON.stringify(described.slice(0, 255))} as the host of the index: ${why}.`;
  return new ConnectorError('host_denied', origin, text);
}
