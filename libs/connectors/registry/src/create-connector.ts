import { ConnectorError, type Origin, type ServerSettings, type VectorConnector } from '@morag/connectors-core';
import { type Egress, EgressDenied, parseHost } from '@morag/egress';
import { violationsOf } from './validate-config.ts';
import { loadVendor, type ServerType } from './vendors.ts';

/** A server to connect to. */
export interface ServerConfig extends ServerSettings {
  readonly type: ServerType;
}

/**
 * Opens nothing yet: the first call does. Rejects with `TypeNotAvailable`, with `invalid_argument` when `config` does
 * not keep the vendor's schema, or with `host_denied` when the host is neither a name nor an address.
 */
export async function createConnector(server: ServerConfig, parts: { egress: Egress }): Promise<VectorConnector> {
  const { type, ...settings } = server;
  const { vendor, options, create } = await loadVendor(type);
  checkHost(settings.host, { vendor, operation: 'createConnector' });
  const parsed = options.safeParse(settings.config);
  if (parsed.success) return create(settings, parsed.data, parts);
  const [violation] = violationsOf(options, parsed.error);
  const text = `${violation?.field}: ${violation?.description}`;
  throw new ConnectorError('invalid_argument', { vendor, operation: 'createConnector' }, text);
}

function checkHost(host: string, origin: Origin): void {
  try {
    parseHost(host);
  } catch (error) {
    if (error instanceof EgressDenied) throw new ConnectorError('host_denied', origin, error.message);
    throw error;
  }
}
