import type { VectorConnector } from '@morag/connectors-core';
import type { Violation } from '@morag/errors';
import type { JsonObject } from '../../json.ts';
import type { ServerAddress, ServerType } from '../server/server.ts';
import type { Secrets } from '../server/server-secrets.ts';

/** How far a connection test came. */
export type TestPhase =
  | 'DNS'
  | 'TCP'
  | 'TLS'
  | 'AUTH'
  | 'PERMISSION'
  | 'PROTOCOL'
  | 'VERSION'
  | 'NOT_FOUND'
  | 'TIMEOUT'
  | 'EGRESS';

/** The result of a connection test; a failure is a result like any other. */
export interface TestResult {
  readonly success: boolean;
  /** One line for people. */
  readonly message: string;
  readonly responseTimeMs: number;
  readonly serverInfo?: JsonObject;
  readonly failure?: { readonly phase: TestPhase; readonly detail: string };
}

/** What one vendor's servers can do and be told. */
export interface VendorDescription {
  readonly type: ServerType;
  readonly displayName: string;
  readonly available: boolean;
  readonly defaultPort: number;
  readonly configSchema: JsonObject;
  readonly capabilities: JsonObject;
}

/** See Vendors.openLifeline. */
export interface Lifeline {
  close(): void;
}

/** The vendors that this build can talk to. */
export interface Vendors {
  describe(): Promise<readonly VendorDescription[]>;
  /** Problems of a configuration, named `config.<option>`; SERVER_TYPE_NOT_AVAILABLE where there is no connector. */
  checkConfig(type: ServerType, config: JsonObject): Promise<readonly Violation[]>;
  open(address: ServerAddress, secrets: Secrets): Promise<VectorConnector>;
  /** A connection that carries nothing and ends at the latest when the server's process does, of which `onEnd` is told. */
  openLifeline(address: ServerAddress, onEnd: () => void, signal: AbortSignal): Promise<Lifeline>;
  test(
    address: ServerAddress,
    secrets: Secrets,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<TestResult>;
}
