import { reasonOf } from '@morag/errors';
import type { DatabaseDirectory } from '../database/database-directory.ts';
import type { PlacementRemover } from '../placement/remove-placement.ts';
import type { ReplicaStore } from '../placement/replica.store.ts';
import type { Tenant } from '../server/delete-server.ts';
import { chooseHanding, type FailOverDeps, failOver, type Handing } from './fail-over.ts';

/** See drainServer. */
export interface DrainServerDeps extends FailOverDeps {
  readonly replicas: Pick<ReplicaStore, 'drain'>;
  readonly placementRemover: Pick<PlacementRemover, 'sweep'>;
  readonly directory: Pick<DatabaseDirectory, 'forget'>;
}

/**
 * Takes the placements of databases off a server: a primary hands over to a replica elsewhere first. When one of them has
 * nobody to hand over to, nothing is changed, and those are answered.
 */
export async function drainServer(
  deps: DrainServerDeps,
  tenants: readonly Tenant[],
  signal: AbortSignal,
): Promise<readonly Tenant[]> {
  const handings: Handing[] = [];
  const stuck: Tenant[] = [];
  for (const tenant of tenants.filter(({ role }) => role === 'PRIMARY')) {
    const request = { databaseId: tenant.databaseId, placementId: '', force: false };
    try {
      handings.push(await chooseHanding(deps, request));
    } catch (error) {
      if (reasonOf(error) !== 'PLACEMENT_CONFLICT') throw error;
      stuck.push(tenant);
    }
  }
  if (stuck.length > 0) return stuck;
  for (const handing of handings) await failOver(deps, handing, signal);
  for (const { databaseId, placementId } of tenants) {
    await deps.replicas.drain(databaseId, placementId);
    deps.directory.forget(databaseId);
  }
  await deps.placementRemover.sweep(signal);
  return [];
}
