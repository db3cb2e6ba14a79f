import { DomainError } from '@morag/errors';
import type { Call } from '../../call.ts';
import type { DatabaseStore } from '../database/database.store.ts';
import { getDatabase } from '../database/get-database.ts';
import type { Operation } from '../operation/operation.ts';
import { type StartOperationDeps, startOperation } from '../operation/start-operation.ts';
import { type CreatePlacementDeps, type CreatePlacementInput, planReplica } from '../placement/create-placement.ts';
import type { PlacementStore } from '../placement/placement.store.ts';

/** See moveDatabase. */
export interface MoveDatabaseDeps extends StartOperationDeps, Pick<CreatePlacementDeps, 'servers' | 'pool'> {
  readonly databases: Pick<DatabaseStore, 'find'>;
  readonly placements: Pick<PlacementStore, 'list'>;
}

/** What a move was asked to do, as its operation keeps it. */
export interface MoveRequest {
  /** The placement that is made for it, by the id that it will have. */
  readonly placementId: string;
  readonly serverId: string;
  readonly collection: string;
  /** The placement that the database is moved away from. */
  readonly from: string;
}

/**
 * Starts to move a database to another server, or to another collection of its own; what cannot be is refused at once.
 * PLACEMENT_CONFLICT also while another move of it is under way.
 */
export async function moveDatabase(
  deps: MoveDatabaseDeps,
  input: CreatePlacementInput,
  call: Call,
): Promise<Operation> {
  const { databaseId, scope, serverId, collection: wanted } = input;
  const database = await getDatabase(deps.databases, databaseId, scope);
  if (database.serverId === serverId && wanted === '') {
    throw new DomainError(
      'PLACEMENT_CONFLICT',
      'The database is on that server already; name another collection to move within it.',
      {
        violations: [{ field: 'serverId', description: 'is that of the primary' }],
      },
    );
  }
  const { id: placementId, collection } = await planReplica(deps, input, call);
  const from = (await deps.placements.list(databaseId)).find(({ role }) => role === 'PRIMARY')?.id ?? '';
  const request: MoveRequest = { placementId, serverId, collection, from };
  return startOperation(deps, { ownerId: database.ownerId, databaseId, kind: 'MOVE', request: { ...request } });
}
