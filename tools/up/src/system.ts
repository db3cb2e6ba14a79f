import type { Transport } from '@connectrpc/connect';

/** The services and the gateway, however they run. */
export interface System {
  /** How the starter itself calls the services. */
  readonly transports: Readonly<Record<'identity' | 'servers' | 'documents', Transport>>;
  /** Settles when a part has ended by itself, with a sentence that says which. */
  readonly lost: Promise<string>;
  /** Stops the gateway first and identity last, each letting its calls end. */
  stop(): Promise<void>;
}
