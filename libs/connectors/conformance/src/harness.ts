import type { Socket } from 'node:net';
import type { ServerSettings, VectorConnector, Vendor } from '@morag/connectors-core';

/** What one vendor brings to the suite. */
export interface Harness {
  readonly vendor: Vendor;
  /** What answers, for the reports: the server and its version. */
  readonly server: string;
  readonly settings: ServerSettings;
  /** A connector on the server, or on what a case puts before it. */
  open(overrides?: Partial<ServerSettings>): VectorConnector;
  /** Credentials that the server refuses; absent when it checks none. */
  readonly wrongCredentials?: Partial<ServerSettings>;
  /** Secrets that no error may show: the suite registers a connector with each of them. */
  readonly secrets: readonly string[];
  /** What leads to a second, empty namespace of the server, made if need be; for vendors with the capability. */
  namespace?(): Promise<Partial<ServerSettings>>;
  /** Kills the server and starts it again on the same data and port; absent when the suite does not own it. */
  restart?(): Promise<void>;
  /** Stand-ins at the wire that answer as this vendor does when it is in trouble. */
  readonly trouble: Readonly<Record<Trouble, (socket: Socket) => void>>;
  /** The vendor's SDK speaks HTTP first, so that the suite itself can answer as a hostile server would. */
  readonly http?: boolean;
  /** Cases that this vendor cannot pass, by id, each with its reason. One that passes all the same fails the run. */
  readonly exceptions: Readonly<Record<number, string>>;
  stop(): Promise<void>;
}

/** `busy`: come back in 7 seconds, where the vendor can say so. */
export type Trouble = 'busy' | 'failing' | 'unavailable';

/** `Retry-After` that `busy` stand-ins send. */
export const BUSY_SECONDS = 7;
