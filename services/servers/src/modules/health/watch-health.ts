import { DomainError } from '@morag/errors';
import { createBell } from '../log/bell.ts';
import type { Scope } from '../server/server.ts';
import type { HealthStore } from './health.store.ts';
import type { ServerHealth } from './health.ts';
import type { HealthSync } from './health-sync.ts';

/** See watchHealth. */
export interface WatchHealthDeps {
  readonly healthStore: Pick<HealthStore, 'list'>;
  readonly healthSync: Pick<HealthSync, 'onStored'>;
}

const LONG_MS = 60_000;

/**
 * The health of a caller's servers as it is, then each change, until the signal. Which servers are the caller's is asked
 * each time: one that is registered later is among them, one that is no longer theirs is not.
 */
export async function* watchHealth(
  { healthStore, healthSync }: WatchHealthDeps,
  { scope, serverIds }: { readonly scope: Scope; readonly serverIds: readonly string[] },
  signal: AbortSignal,
): AsyncGenerator<ServerHealth> {
  const wanted = serverIds.length > 0 ? new Set(serverIds) : undefined;
  const changed = new Set<string>();
  const bell = createBell();
  const stop = healthSync.onStored((ids) => {
    for (const id of ids) if (wanted?.has(id) ?? true) changed.add(id);
    if (changed.size > 0) bell.ring();
  });
  const told = new Map<string, string>();
  try {
    const first = await healthStore.list(scope, wanted && [...wanted]);
    if (wanted && first.length < wanted.size) {
      throw new DomainError('SERVER_NOT_FOUND', 'One of these servers does not exist.');
    }
    for (let batch = first; ; batch = await healthStore.list(scope, take(changed))) {
      for (const server of batch) {
        const state = `${server.status} ${server.sinceAt?.toISOString()}`;
        if (told.get(server.serverId) === state) continue;
        told.set(server.serverId, state);
        yield server;
      }
      while (changed.size === 0 && !signal.aborted) await bell.wait(LONG_MS, signal);
      if (signal.aborted) return;
    }
  } finally {
    stop();
  }
}

function take(ids: Set<string>): string[] {
  const taken = [...ids];
  ids.clear();
  return taken;
}
