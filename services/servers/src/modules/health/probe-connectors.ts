import type { VectorConnector } from '@morag/connectors-core';
import type { Logger } from '@morag/telemetry';
import type { Server, ServerType } from '../server/server.ts';
import type { RosterEntry, RosterStore } from './roster.store.ts';

/** The connectors that probes go through, beside those of the data path: a look must not wait behind the work. */
export interface ProbeConnectors {
  /** Those of servers as they are configured by the revision asked for; unknown servers are read, many at once. */
  find(entries: readonly RosterEntry[]): Promise<ReadonlyMap<string, VectorConnector>>;
  /** As it was configured when it was last looked at. */
  serverOf(serverId: string): Server | undefined;
  /** The look is over: beyond a number of servers its connector is closed, since each costs memory. */
  rest(serverId: string): void;
  drop(serverId: string): void;
  stop(): Promise<void>;
}

/** See createProbeConnectors. */
export interface ProbeConnectorsDeps {
  readonly roster: Pick<RosterStore, 'load'>;
  readonly open: (server: Server) => Promise<VectorConnector>;
  readonly logger: Logger;
  readonly openMax?: number;
}

interface Known {
  readonly server: Server;
  connector: VectorConnector | undefined;
}

/** A connector that has just sent a request holds a tenth of a megabyte; a server's configuration a hundredth of that. */
const OPEN_MAX = 200;

/**
 * Spoken to over HTTP: one socket is enough for a look, since a request that is given up takes its socket with it, and an
 * HTTP pool of more costs 16 KiB before it holds any. A pool of database connections may wait for one that is given up.
 */
const HTTP_TYPES: ReadonlySet<ServerType> = new Set(['CHROMA', 'PINECONE', 'QDRANT', 'WEAVIATE']);

/** Creates an empty set. */
export function createProbeConnectors({
  roster,
  open,
  logger,
  openMax = OPEN_MAX,
}: ProbeConnectorsDeps): ProbeConnectors {
  const known = new Map<string, Known>();
  const closing = new Set<Promise<void>>();
  let openCount = 0;
  let isStopped = false;

  const close = (entry: Known): void => {
    const { connector, server } = entry;
    if (!connector) return;
    entry.connector = undefined;
    openCount--;
    const closed = connector
      .close()
      .catch((error: unknown) => logger.debug({ err: error, serverId: server.id }, 'a connector did not close cleanly'))
      .finally(() => closing.delete(closed));
    closing.add(closed);
  };
  const drop = (serverId: string): void => {
    const entry = known.get(serverId);
    known.delete(serverId);
    if (entry) close(entry);
  };
  const openOne = async (entry: Known): Promise<void> => {
    try {
      entry.connector = await open(forLooks(entry.server));
      openCount++;
      if (isStopped || known.get(entry.server.id) !== entry) close(entry);
    } catch (error) {
      logger.warn({ err: error, serverId: entry.server.id }, 'a server cannot be probed');
    }
  };

  return {
    async find(entries) {
      const isKnown = ({ id, revision }: RosterEntry): boolean => (known.get(id)?.server.revision ?? -1) >= revision;
      const missing = entries.filter((entry) => !isKnown(entry)).map(({ id }) => id);
      for (const server of missing.length > 0 ? await roster.load(missing) : []) {
        drop(server.id);
        known.set(server.id, { server, connector: undefined });
      }
      const found = entries.flatMap(({ id }) => known.get(id) ?? []);
      await Promise.all(found.filter(({ connector }) => !connector).map(openOne));
      return new Map(found.flatMap(({ server, connector }) => (connector ? [[server.id, connector] as const] : [])));
    },
    serverOf: (serverId) => known.get(serverId)?.server,
    rest(serverId) {
      const entry = known.get(serverId);
      if (entry && openCount > openMax) close(entry);
    },
    drop,
    async stop() {
      isStopped = true;
      for (const serverId of known.keys()) drop(serverId);
      await Promise.all(closing);
    },
  };
}

function forLooks(server: Server): Server {
  return HTTP_TYPES.has(server.type) ? { ...server, config: { ...server.config, connections: 1 } } : server;
}
