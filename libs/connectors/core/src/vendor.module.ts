import type { Egress, TlsOptions } from '@morag/egress';
import type { z } from 'zod';
import type { Capabilities } from './capabilities.ts';
import type { VectorConnector, Vendor } from './connector.port.ts';
import type { CommonOptions } from './options.ts';

/** `VERIFY`: the certificate must be valid for the host. `INSECURE`: any will do. */
export type TlsMode = 'DISABLED' | 'VERIFY' | 'INSECURE';

/** A server as a user registers it. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMode;
  readonly username?: string;
  readonly password?: string;
  readonly apiKey?: string;
  readonly database?: string;
  /** The vendor's options, as its schema says. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Everything the registry needs of a vendor. `Options` is what its schema makes of `config`. */
export interface VendorModule<Options extends CommonOptions = CommonOptions> {
  readonly vendor: Vendor;
  readonly title: string;
  readonly defaultPort: number;
  /** A strict object, every option with a description and its default. */
  readonly options: z.ZodType<Options>;
  readonly capabilities: Capabilities;
  create(settings: ServerSettings, options: Options, parts: { egress: Egress }): VectorConnector;
}

/** The TLS part of an endpoint, or undefined for plain text. */
export function tlsOf(mode: TlsMode, options: CommonOptions): TlsOptions | undefined {
  if (mode === 'DISABLED') return undefined;
  return { ca: options.tlsCa, servername: options.tlsServerName, rejectUnauthorized: mode === 'VERIFY' };
}
