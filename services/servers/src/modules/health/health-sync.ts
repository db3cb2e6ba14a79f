import type { HealthStore } from './health.store.ts';
import type { HealthMembers } from './health-members.ts';
import type { HealthMonitor } from './health-monitor.ts';
import type { RosterEntry, RosterStore } from './roster.store.ts';

/** Reads what is new in PostgreSQL: which servers there are, and what other processes have judged. */
export interface HealthSync {
  refresh(): Promise<void>;
  /** Told of servers whose stored status is new. Answers what ends it. */
  onStored(listener: (serverIds: readonly string[]) => void): () => void;
}

/** See createHealthSync. */
export interface HealthSyncDeps {
  readonly store: Pick<HealthStore, 'statusesSince' | 'write'>;
  readonly roster: Pick<RosterStore, 'fingerprint' | 'list'>;
  readonly members: Pick<HealthMembers, 'isMine'>;
  readonly monitor: Pick<HealthMonitor, 'setRoster' | 'setStored'>;
  readonly clock: () => Date;
}

/** Creates it. */
export function createHealthSync({ store, roster, members, monitor, clock }: HealthSyncDeps): HealthSync {
  const listeners = new Set<(serverIds: readonly string[]) => void>();
  const seen = new Map<string, string>();
  let fingerprint: string | undefined;
  let servers: readonly RosterEntry[] = [];
  let cursor: string | undefined;

  const readServers = async (): Promise<void> => {
    const current = await roster.fingerprint();
    if (current !== fingerprint) servers = await roster.list();
    fingerprint = current;
    const gone = monitor.setRoster(servers, members.isMine);
    for (const id of gone) seen.delete(id);
    // One that is switched off is not looked at any more; of one that was deleted nothing is stored.
    const sinceAt = clock();
    const unknown = gone.map((serverId) => ({ serverId, status: 'UNKNOWN' as const, sinceAt }));
    if (gone.length > 0) await store.write([], unknown);
  };
  const readStatuses = async (): Promise<void> => {
    const statuses = await store.statusesSince(cursor);
    cursor = statuses[0]?.cursor ?? cursor;
    const fresh = statuses.filter(({ serverId, writtenBy }) => seen.get(serverId) !== writtenBy);
    if (fresh.length === 0) return;
    for (const { serverId, writtenBy } of fresh) seen.set(serverId, writtenBy);
    monitor.setStored(fresh);
    const ids = fresh.map(({ serverId }) => serverId);
    for (const listener of listeners) listener(ids);
  };

  return {
    async refresh() {
      await readStatuses();
      await readServers();
    },
    onStored(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
