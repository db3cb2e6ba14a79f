import type { Metrics } from '@morag/telemetry';
import type { PlacementView } from '../database/database-view.ts';
import type { LaggingPlacement } from './lag.store.ts';

/** Told of what becomes of the logs. */
export interface LogObserver {
  /** So many records more are at the placement, and so many mutations are not yet. */
  applied(placement: Pick<PlacementView, 'serverId' | 'databaseId'>, records: number, behind: number): void;
  /** These placements are behind their logs, and no others. */
  behind(placements: readonly LaggingPlacement[]): void;
  /** A database has another primary. */
  switched(databaseId: string): void;
  /** The database is gone, and what was counted of it goes too. */
  forget(databaseId: string): void;
}

const LABELS = ['server', 'database'] as const;

/** Counts for each server and database, by id as the reads are. */
export function createLogMetrics(metrics: Metrics): LogObserver {
  const records = metrics.counter<'server' | 'database'>({
    name: 'morag_placement_applied_records_total',
    help: 'Records that this instance wrote to a placement or deleted there.',
    labelNames: LABELS,
  });
  const switches = metrics.counter<'database'>({
    name: 'morag_primary_changes_total',
    help: 'Changes of the primary that this instance made: failovers, and the last steps of moves.',
    labelNames: ['database'],
  });
  const lags = createLagGauges(metrics);
  /** Where this instance has applied something, by database. */
  const serversOf = new Map<string, Set<string>>();
  /** Found to be behind at the last look. */
  let laggards: readonly LaggingPlacement[] = [];
  return {
    applied({ serverId, databaseId }, count, behind) {
      const servers = serversOf.get(databaseId) ?? new Set();
      serversOf.set(databaseId, servers.add(serverId));
      records.inc({ server: serverId, database: databaseId }, count);
      lags.set({ serverId, databaseId, mutations: behind, seconds: behind === 0 ? 0 : undefined });
    },
    behind(placements) {
      for (const laggard of laggards) lags.remove(laggard);
      for (const [databaseId, servers] of serversOf) {
        for (const serverId of servers) lags.set({ serverId, databaseId, mutations: 0, seconds: 0 });
      }
      for (const placement of placements) lags.set(placement);
      laggards = placements;
    },
    switched: (database) => switches.inc({ database }),
    forget(databaseId) {
      for (const serverId of serversOf.get(databaseId) ?? []) {
        records.remove({ server: serverId, database: databaseId });
        lags.remove({ serverId, databaseId });
      }
      serversOf.delete(databaseId);
      switches.remove({ database: databaseId });
    },
  };
}

type Lag = Omit<LaggingPlacement, 'seconds'> & { readonly seconds: number | undefined };

/** What is undefined of a lag stays as it was. */
function createLagGauges(metrics: Metrics) {
  const mutations = metrics.gauge<'server' | 'database'>({
    name: 'morag_placement_lag_mutations',
    help: 'Mutations that a placement has yet to apply, as of the last look or application.',
    labelNames: LABELS,
  });
  const seconds = metrics.gauge<'server' | 'database'>({
    name: 'morag_placement_lag_seconds',
    help: 'Since when the oldest mutation waits that a placement has yet to apply, as of the last look.',
    labelNames: LABELS,
  });
  return {
    set({ serverId: server, databaseId: database, ...lag }: Lag) {
      mutations.set({ server, database }, lag.mutations);
      if (lag.seconds !== undefined) seconds.set({ server, database }, lag.seconds);
    },
    remove({ serverId: server, databaseId: database }: Pick<Lag, 'serverId' | 'databaseId'>) {
      mutations.remove({ server, database });
      seconds.remove({ server, database });
    },
  };
}
