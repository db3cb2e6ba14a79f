import type { VectorConnector } from '@morag/connectors-core';
import type { Logger } from '@morag/telemetry';

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
export function createConnectorPool({ open, now, logger, settings = SETTINGS }: ConnectorPoolDeps): ConnectorPool {
  const entries = new Map<string, Entry>();
  const closing = new Set<Promise<void>>();
  let isStopped = false;

  const close = (serverId: string, { opening }: Entry): void => {
    const closed = opening
      .then(({ connector }) => connector.close())
      .catch((error: unknown) => logger.debug({ err: error, serverId }, 'a connector did not close cleanly'))
      .finally(() => closing.delete(closed));
    closing.add(closed);
  };

  const retire = (serverId: string, entry: Entry): void => {
    if (entries.get(serverId) === entry) entries.delete(serverId);
    if (entry.retired) return;
    entry.retired = true;
    if (entry.users === 0) close(serverId, entry);
  };

  const add = (serverId: string): Entry => {
    const opening = open(serverId);
    const entry: Entry = { opening, revision: undefined, users: 0, usedAtMs: now(), retired: false };
    entries.set(serverId, entry);
    opening.then(
      ({ revision }) => {
        entry.revision = revision;
        logger.debug({ serverId, revision }, 'connector opened');
      },
      // Nobody shall get the failure of a past attempt.
      () => retire(serverId, entry),
    );
    makeRoom();
    return entry;
  };

  const makeRoom = (): void => {
    if (entries.size <= settings.connectorsMax) return;
    const unused = [...entries].filter(([, { users, revision }]) => users === 0 && revision !== undefined);
    const [oldest] = unused.toSorted(([, a], [, b]) => a.usedAtMs - b.usedAtMs);
    if (oldest) retire(...oldest);
  };

  const find = ({ serverId, revision }: PoolKey): Entry => {
    if (isStopped) throw new Error('the connector pool is stopped');
    const entry = entries.get(serverId);
    if (!entry) return add(serverId);
    // One that is newer than the key is right: the key comes from a view that is a moment old.
    if (entry.revision === undefined || entry.revision >= revision) return entry;
    retire(serverId, entry);
    return add(serverId);
  };

  const closeIdle = (): void => {
    for (const [serverId, entry] of entries) {
      if (entry.users === 0 && now() - entry.usedAtMs >= settings.idleMs) retire(serverId, entry);
    }
  };
  const idleTimer = setInterval(closeIdle, Math.max(10, settings.idleMs / 10));
  idleTimer.unref();

  return {
    async use(key, use) {
      const entry = find(key);
      entry.users++;
      try {
        const { connector } = await entry.opening;
        return await use(connector);
      } finally {
        entry.users--;
        entry.usedAtMs = now();
        if (entry.retired && entry.users === 0) close(key.serverId, entry);
      }
    },
    drop(serverId) {
      const entry = entries.get(serverId);
      if (entry) retire(serverId, entry);
    },
    async stop() {
      isStopped = true;
      clearInterval(idleTimer);
      for (const [serverId, entry] of entries) retire(serverId, entry);
      await Promise.all(closing);
    },
  };
}
