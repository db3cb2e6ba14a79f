import { DomainError } from '@morag/errors';
import type { DatabaseStore } from '../database/database.store.ts';
import { getDatabase } from '../database/get-database.ts';
import type { Scope } from '../server/server.ts';
import type { PlacementStore } from './placement.store.ts';
import type { Placement } from './placement.ts';
import type { PlacementRemover } from './remove-placement.ts';
import type { ReplicaStore } from './replica.store.ts';

/** See deletePlacement. */
export interface DeletePlacementDeps {
  readonly databases: Pick<DatabaseStore, 'find'>;
  readonly placements: Pick<PlacementStore, 'list'>;
  readonly replicas: Pick<ReplicaStore, 'drain'>;
  readonly placementRemover: Pick<PlacementRemover, 'tryRemove'>;
  /** Views of the database are to forget it. */
  readonly onChanged: (databaseId: string) => void;
}

/** Which placement of which database, for whom. */
export interface PlacementOf {
  readonly scope: Scope;
  readonly databaseId: string;
  readonly placementId: string;
}

/** Takes a replica out of use for good; its collection goes now, or, where its server is away, later. */
export async function deletePlacement(deps: DeletePlacementDeps, where: PlacementOf): Promise<void> {
  const { id, databaseId, role } = await findPlacement(deps, where);
  if (role === 'PRIMARY' || !(await deps.replicas.drain(databaseId, id))) {
    throw new DomainError('PLACEMENT_CONFLICT', 'The primary cannot be removed: move the database, or delete it.', {
      metadata: { placementId: id },
    });
  }
  deps.onChanged(databaseId);
  await deps.placementRemover.tryRemove(id);
}

/** A placement of a database that the caller may see; PLACEMENT_NOT_FOUND. */
export async function findPlacement(
  { databases, placements }: Pick<DeletePlacementDeps, 'databases' | 'placements'>,
  { scope, databaseId, placementId }: PlacementOf,
): Promise<Placement> {
  await getDatabase(databases, databaseId, scope);
  const placement = (await placements.list(databaseId)).find(({ id }) => id === placementId);
  if (placement) return placement;
  throw new DomainError('PLACEMENT_NOT_FOUND', 'There is no such placement.', { metadata: { placementId } });
}
