import { isConnectorError, type VectorConnector } from '@morag/connectors-core';
import type { Logger } from '@morag/telemetry';
import type { ConnectionEventKind } from '../event/connection-event.ts';
import type { Outcome } from '../health/health-view.ts';

/** Which connection is wanted. */
export interface PoolKey {
  readonly serverId: string;
  /** See `Server.revision`: a connector that was opened under another one is replaced. */
  readonly revision: number;
}

/** One open connector a server. */
export interface ConnectorPool {
  /** Lends the server's connector, opening it if need be; it is not closed before `use` has ended. */
  use<T>(key: PoolKey, use: (connector: VectorConnector) => Promise<T>): Promise<T>;
  /** The server was changed or deleted: its connector is closed as soon as nobody uses it. */
  drop(serverId: string): void;
  /** Closes all, and refuses to open more. */
  stop(): Promise<void>;
}

/** See createConnectorPool. */
export interface ConnectorPoolDeps {
  /** Opens a connector as the server is configured now. */
  readonly open: (serverId: string) => Promise<{ readonly connector: VectorConnector; readonly revision: number }>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Told how each use ended, unless it failed for a reason that is not the connector's. */
  readonly report?: (serverId: string, outcome: Outcome) => void;
  /** Told what happens to connectors. */
  readonly onEvent?: (serverId: string, kind: ConnectionEventKind) => void;
  readonly logger: Logger;
  readonly settings?: PoolSettings;
}

/** Bounds of the pool. */
export interface PoolSettings {
  /** Beyond it, the one that was used least recently goes; those in use stay. */
  readonly connectorsMax: number;
  readonly idleMs: number;
}

const SETTINGS: PoolSettings = { connectorsMax: 256, idleMs: 5 * 60_000 };

interface Entry {
  readonly opening: Promise<{ readonly connector: VectorConnector; readonly revision: number }>;
  /** Undefined while it opens. */
  revision: number | undefined;
  users: number;
  usedAtMs: number;
  retired: boolean;
}

/** Creates an empty pool. */
export function createConnectorPool(deps: ConnectorPoolDeps): ConnectorPool {
  return new Pool(deps, deps.settings ?? SETTINGS);
}

class Pool implements ConnectorPool {
  readonly #deps: ConnectorPoolDeps;
  readonly #settings: PoolSettings;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new Set<Promise<void>>();
  readonly #idleTimer: NodeJS.Timeout;
  #isStopped = false;

  constructor(deps: ConnectorPoolDeps, settings: PoolSettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#idleTimer = setInterval(() => this.#closeIdle(), Math.max(10, settings.idleMs / 10)).unref();
  }

  async use<T>(key: PoolKey, use: (connector: VectorConnector) => Promise<T>): Promise<T> {
    const { now, report } = this.#deps;
    const entry = this.#find(key);
    entry.users++;
    let startedAtMs = 0;
    try {
      const { connector } = await entry.opening;
      startedAtMs = now();
      const answer = await use(connector);
      report?.(key.serverId, { ok: true, latencyMs: now() - startedAtMs });
      return answer;
    } catch (error) {
      if (isConnectorError(error)) {
        const { category, message } = error;
        report?.(key.serverId, { ok: false, category, message, latencyMs: now() - startedAtMs });
      }
      throw error;
    } finally {
      entry.users--;
      entry.usedAtMs = now();
      if (entry.retired && entry.users === 0) this.#close(key.serverId, entry);
    }
  }

  drop(serverId: string): void {
    const entry = this.#entries.get(serverId);
    if (entry) this.#retire(serverId, entry, 'RECONFIGURED');
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#idleTimer);
    for (const [serverId, entry] of this.#entries) this.#retire(serverId, entry, 'CLOSED');
    await Promise.all(this.#closing);
  }

  #find({ serverId, revision }: PoolKey): Entry {
    if (this.#isStopped) throw new Error('the connector pool is stopped');
    const entry = this.#entries.get(serverId);
    if (!entry) return this.#add(serverId);
    // One that is newer than the key is right: the key comes from a view that is a moment old.
    if (entry.revision === undefined || entry.revision >= revision) return entry;
    this.#retire(serverId, entry, 'RECONFIGURED');
    return this.#add(serverId);
  }

  #add(serverId: string): Entry {
    const opening = this.#deps.open(serverId);
    const entry: Entry = { opening, revision: undefined, users: 0, usedAtMs: this.#deps.now(), retired: false };
    this.#entries.set(serverId, entry);
    opening.then(
      ({ revision }) => {
        entry.revision = revision;
        this.#deps.onEvent?.(serverId, 'OPENED');
      },
      // Nobody shall get the failure of a past attempt.
      () => this.#retire(serverId, entry, 'FAILED'),
    );
    this.#makeRoom();
    return entry;
  }

  #makeRoom(): void {
    if (this.#entries.size <= this.#settings.connectorsMax) return;
    const unused = [...this.#entries].filter(([, { users, revision }]) => users === 0 && revision !== undefined);
    const [oldest] = unused.toSorted(([, a], [, b]) => a.usedAtMs - b.usedAtMs);
    if (oldest) this.#retire(...oldest, 'EVICTED');
  }

  #closeIdle(): void {
    for (const [serverId, entry] of this.#entries) {
      const isIdle = this.#deps.now() - entry.usedAtMs >= this.#settings.idleMs;
      if (entry.users === 0 && isIdle) this.#retire(serverId, entry, 'CLOSED');
    }
  }

  #retire(serverId: string, entry: Entry, kind: ConnectionEventKind): void {
    if (this.#entries.get(serverId) === entry) this.#entries.delete(serverId);
    if (entry.retired) return;
    entry.retired = true;
    this.#deps.onEvent?.(serverId, kind);
    if (entry.users === 0) this.#close(serverId, entry);
  }

  #close(serverId: string, { opening }: Entry): void {
    const closed = opening
      .then(({ connector }) => connector.close())
      .catch((error: unknown) => this.#deps.logger.debug({ err: error, serverId }, 'a connector did not close cleanly'))
      .finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}
