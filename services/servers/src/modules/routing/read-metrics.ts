import { CATEGORIES, isConnectorError } from '@morag/connectors-core';
import type { Metrics } from '@morag/telemetry';
import type { PlacementView } from '../database/database-view.ts';

/** Told of what the router does. */
export interface ReadObserver {
  /** The placement was chosen; `isRetry` when another one was chosen before it for the same read. */
  picked(placement: PlacementView, isRetry: boolean): void;
  /** A second placement is asked beside this one, which is late. */
  hedged(placement: PlacementView): void;
  /** A request goes to the placement; the function is called when it has ended, with its failure if it failed. */
  started(placement: PlacementView): (error?: unknown) => void;
  /** The database is gone, and what was counted of it goes too. */
  forget(databaseId: string): void;
}

const PICKS = ['first', 'retry', 'hedge'] as const;

/** Counts for each server and database. Ids, not names: names change and are the users' own. */
export function createReadMetrics(metrics: Metrics): ReadObserver {
  const labelNames = ['server', 'database'] as const;
  const latency = metrics.histogram<'server' | 'database'>({
    name: 'morag_placement_read_seconds',
    help: 'How long reads take at a placement, failed ones included.',
    labelNames,
  });
  const underWay = metrics.gauge<'server' | 'database'>({
    name: 'morag_placement_reads_under_way',
    help: 'Reads that a placement has yet to answer.',
    labelNames,
  });
  const picks = metrics.counter<'server' | 'database' | 'kind'>({
    name: 'morag_placement_picks_total',
    help: 'Reads sent to a placement: first choice, retry after another one, or cause of a hedge.',
    labelNames: [...labelNames, 'kind'],
  });
  const failures = metrics.counter<'server' | 'database' | 'category'>({
    name: 'morag_placement_read_failures_total',
    help: 'Failed reads by category; cancelled ones were answered faster elsewhere or given up by the caller.',
    labelNames: [...labelNames, 'category'],
  });
  const serversOf = new Map<string, Set<string>>();
  const labelsOf = ({ serverId, databaseId }: PlacementView) => {
    const servers = serversOf.get(databaseId) ?? new Set();
    serversOf.set(databaseId, servers.add(serverId));
    return { server: serverId, database: databaseId };
  };
  return {
    picked: (placement, isRetry) => picks.inc({ ...labelsOf(placement), kind: isRetry ? 'retry' : 'first' }),
    hedged: (placement) => picks.inc({ ...labelsOf(placement), kind: 'hedge' }),
    started(placement) {
      const labels = labelsOf(placement);
      const startedAtMs = performance.now();
      underWay.inc(labels);
      return (error) => {
        underWay.dec(labels);
        latency.observe(labels, (performance.now() - startedAtMs) / 1_000);
        if (error !== undefined) failures.inc({ ...labels, category: categoryOf(error) });
      };
    },
    forget(database) {
      for (const server of serversOf.get(database) ?? []) {
        latency.remove({ server, database });
        underWay.remove({ server, database });
        for (const kind of PICKS) picks.remove({ server, database, kind });
        for (const category of CATEGORIES) failures.remove({ server, database, category });
      }
      serversOf.delete(database);
    },
  };
}

function categoryOf(error: unknown): string {
  return isConnectorError(error) ? error.category : 'internal';
}
