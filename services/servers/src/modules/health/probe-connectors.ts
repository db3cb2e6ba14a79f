import type { VectorConnector } from '@morag/connectors-core';
import type { Logger } from '@morag/telemetry';
import type { Server } from '../server/server.ts';
import type { RosterEntry, RosterStore } from './roster.store.ts';

/** The connectors that probes go through, beside those of the data path: a look must not wait behind the work. */
export interface ProbeConnectors {
  /** Those that are open under the revision asked for; missing ones are opened, many in one read. */
  find(entries: readonly RosterEntry[]): Promise<ReadonlyMap<string, VectorConnector>>;
  drop(serverId: string): void;
  stop(): Promise<void>;
}

/** See createProbeConnectors. */
export interface ProbeConnectorsDeps {
  readonly roster: Pick<RosterStore, 'load'>;
  readonly open: (server: Server) => Promise<VectorConnector>;
  readonly logger: Logger;
}

interface Opened {
  readonly revision: number;
  readonly connector: VectorConnector;
}

/** Creates an empty set. A connector that nobody uses holds no socket for long, so that all may stay open. */
export function createProbeConnectors({ roster, open, logger }: ProbeConnectorsDeps): ProbeConnectors {
  const opened = new Map<string, Opened>();
  const closing = new Set<Promise<void>>();
  let isStopped = false;

  const drop = (serverId: string): void => {
    const found = opened.get(serverId);
    opened.delete(serverId);
    if (!found) return;
    const closed = found.connector
      .close()
      .catch((error: unknown) => logger.debug({ err: error, serverId }, 'a connector did not close cleanly'))
      .finally(() => closing.delete(closed));
    closing.add(closed);
  };
  const openOne = async (server: Server): Promise<void> => {
    try {
      const connector = await open(server);
      drop(server.id);
      opened.set(server.id, { revision: server.revision, connector });
      if (isStopped) drop(server.id);
    } catch (error) {
      logger.warn({ err: error, serverId: server.id }, 'a server cannot be probed');
    }
  };

  return {
    async find(entries) {
      const isOpen = ({ id, revision }: RosterEntry): boolean => (opened.get(id)?.revision ?? -1) >= revision;
      const missing = entries.filter((entry) => !isOpen(entry)).map(({ id }) => id);
      if (missing.length > 0) await Promise.all((await roster.load(missing)).map(openOne));
      const found = new Map<string, VectorConnector>();
      for (const { id } of entries) {
        const connector = opened.get(id)?.connector;
        if (connector) found.set(id, connector);
      }
      return found;
    },
    drop,
    async stop() {
      isStopped = true;
      for (const serverId of opened.keys()) drop(serverId);
      await Promise.all(closing);
    },
  };
}
