/** Reads sent to servers, by server id. */
export interface Picks {
  /** All that were sent there. */
  readonly total: ReadonlyMap<string, number>;
  /** Those that were sent although the same read had been sent elsewhere before: after a failure, or beside one that is late. */
  readonly again: ReadonlyMap<string, number>;
}

const LINE = /^morag_placement_picks_total\{(?<labels>[^}]*)\} (?<count>\d+)$/gm;

/** Reads them from the metrics of the service of servers, in Prometheus' text format. */
export function parsePicks(metrics: string): Picks {
  const total = new Map<string, number>();
  const again = new Map<string, number>();
  for (const { groups } of metrics.matchAll(LINE)) {
    const labels = groups?.labels ?? '';
    const server = /server="([^"]*)"/.exec(labels)?.[1] ?? '';
    const kind = /kind="([^"]*)"/.exec(labels)?.[1];
    // A hedge is told of the server that is late; the read that it causes is a retry elsewhere.
    if (kind === 'hedge') continue;
    const count = Number(groups?.count);
    total.set(server, (total.get(server) ?? 0) + count);
    if (kind === 'retry') again.set(server, (again.get(server) ?? 0) + count);
  }
  return { total, again };
}

/** All servers together. */
export function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((whole, count) => whole + count, 0);
}
