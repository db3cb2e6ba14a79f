import type { Metrics } from '@morag/telemetry';
import type { PlacementView } from '../database/database-view.ts';

/** Told of what becomes of the logs. */
export interface LogObserver {
  /** So many records more are at the placement, and so many mutations are not yet. */
  applied(placement: Pick<PlacementView, 'serverId' | 'databaseId'>, records: number, behind: number): void;
  /** A database has another primary. */
  switched(databaseId: string): void;
  /** The database is gone, and what was counted of it goes too. */
  forget(databaseId: string): void;
}

/** Counts for each server and database, by id as the reads are. */
export function createLogMetrics(metrics: Metrics): LogObserver {
  const labelNames = ['server', 'database'] as const;
  const records = metrics.counter<'server' | 'database'>({
    name: 'morag_placement_applied_records_total',
    help: 'Records that this instance wrote to a placement or deleted there.',
    labelNames,
  });
  const lag = metrics.gauge<'server' | 'database'>({
    name: 'morag_placement_lag_mutations',
    help: 'Mutations that a placement had yet to apply when this instance last applied some.',
    labelNames,
  });
  const switches = metrics.counter<'database'>({
    name: 'morag_primary_changes_total',
    help: 'Changes of the primary that this instance made: failovers, and the last steps of moves.',
    labelNames: ['database'],
  });
  const serversOf = new Map<string, Set<string>>();
  return {
    applied({ serverId: server, databaseId: database }, count, behind) {
      const servers = serversOf.get(database) ?? new Set();
      serversOf.set(database, servers.add(server));
      records.inc({ server, database }, count);
      lag.set({ server, database }, behind);
    },
    switched: (database) => switches.inc({ database }),
    forget(database) {
      for (const server of serversOf.get(database) ?? []) {
        records.remove({ server, database });
        lag.remove({ server, database });
      }
      serversOf.delete(database);
      switches.remove({ database });
    },
  };
}
