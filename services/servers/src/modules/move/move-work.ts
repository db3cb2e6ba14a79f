import { setTimeout as sleep } from 'node:timers/promises';
import { toJson } from '@bufbuild/protobuf';
import { DomainError } from '@morag/errors';
import { DatabaseSchema } from '@morag/gen/morag/servers/v1/database_pb.ts';
import type { JsonObject } from '../../json.ts';
import { toDatabaseMessage } from '../database/database.mapper.ts';
import type { DatabaseStore } from '../database/database.store.ts';
import { getDatabase } from '../database/get-database.ts';
import { databaseNotFound } from '../log/group-commit.ts';
import type { Operation, OperationContext, OperationWork } from '../operation/operation.ts';
import { mayPass, OperationCancelled } from '../operation/run-operation.ts';
import type { Placement } from '../placement/placement.ts';
import type { PlacementRemover } from '../placement/remove-placement.ts';
import type { ReplicaStore } from '../placement/replica.store.ts';
import type { SwitchPrimary } from '../placement/switch-primary.ts';
import type { RepairDeps } from '../verify/repair.ts';
import { verifyCopies } from '../verify/verify-copies.ts';
import type { MoveRequest } from './move-database.ts';

/** See createMoveWork. */
export interface MoveWorkDeps extends RepairDeps {
  readonly databases: Pick<DatabaseStore, 'find'>;
  readonly replicas: Pick<ReplicaStore, 'insert' | 'drain'>;
  readonly placementRemover: Pick<PlacementRemover, 'tryRemove'>;
  readonly switchPrimary: SwitchPrimary;
  readonly onPlaced: (databaseId: string) => void;
  readonly settings: MoveSettings;
}

/** Times of a move. */
export interface MoveSettings {
  readonly pollMs: number;
  /** After something that may pass by itself. */
  readonly retryMs: number;
  /** Until every instance knows of the new primary, and reads that are under way at the old one have ended. */
  readonly drainMs: number;
}

/**
 * The work of MoveDatabase: provision → backfill → catch up → verify → switch → drain → remove. Each step is found done
 * when it was, so that another instance goes on wherever the last one died. Until the switch it can be cancelled, and
 * leaves nothing behind; after it, it can only be finished.
 */
export function createMoveWork(deps: MoveWorkDeps): OperationWork {
  return {
    async run(operation, context) {
      const move = { operation, request: operation.request as unknown as MoveRequest, context };
      await provision(deps, move);
      await untilPrimary(deps, move);
      await drain(deps, move);
      const database = await getDatabase(deps.databases, operation.databaseId, {});
      return toJson(DatabaseSchema, toDatabaseMessage(database)) as JsonObject;
    },
  };
}

interface Move {
  readonly operation: Operation;
  readonly request: MoveRequest;
  readonly context: OperationContext;
}

/** It cannot be done, also not later: what was made for it goes. */
class MoveFailed extends DomainError {}

async function provision(deps: MoveWorkDeps, { operation, request, context }: Move): Promise<void> {
  const { databaseId, notes } = operation;
  const { placementId: id, serverId, collection } = request;
  if (notes.isPlaced === true) return;
  await context.report({ stage: 'provisioning', percentage: 1 });
  const isThere = (await deps.placements.list(databaseId)).some((placement) => placement.id === id);
  if (!isThere && !(await deps.replicas.insert({ id, databaseId, serverId, collection }))) {
    throw databaseNotFound(databaseId);
  }
  await context.report({ notes: { isPlaced: true } });
  deps.onPlaced(databaseId);
}

/** Brings the new placement to where it is the primary. While a server is away, that is waited for, or cancelled. */
async function untilPrimary(deps: MoveWorkDeps, move: Move): Promise<void> {
  const { signal, cancelled, report } = move.context;
  for (;;) {
    try {
      if (await untilInSync(deps, move)) return;
      await verify(deps, move);
      await takeOver(deps, move);
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      if (cancelled.aborted || !isPassing(error)) await undo(deps, move, error);
      await report({ stage: cut(`waiting: ${error instanceof Error ? error.message : ''}`) });
      await sleep(deps.settings.retryMs, undefined, { signal });
    }
  }
}

/** A server that is away comes back, and a change of the primary that came in between is over. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof DomainError) || error instanceof MoveFailed) return false;
  return mayPass(error) || error.reason === 'PLACEMENT_CONFLICT';
}

/** Follows the new placement until it is in sync; answers true when it is the primary already. */
async function untilInSync(deps: MoveWorkDeps, { operation, request, context }: Move): Promise<boolean> {
  const { signal, cancelled } = context;
  for (let told = ''; ; await sleep(deps.settings.pollMs, undefined, { signal })) {
    const placement = await findTarget(deps, operation.databaseId, request.placementId);
    if (placement.role === 'PRIMARY') return true;
    if (cancelled.aborted) throw new OperationCancelled();
    if (placement.state === 'IN_SYNC') return false;
    const { stage, percentage } = progressOf(placement);
    if (told === `${stage}${percentage}`) continue;
    told = `${stage}${percentage}`;
    await context.report({ stage, percentage });
  }
}

function progressOf({ state, copied, copyTotal, lag, lastError }: Placement): { stage: string; percentage: number } {
  const note = lastError === '' ? '' : `: ${lastError}`;
  if (state === 'BACKFILLING') {
    const share = copyTotal === 0 ? 0 : Math.min(1, copied / copyTotal);
    return { stage: cut(`backfilling${note}`), percentage: 2 + Math.floor(68 * share) };
  }
  if (state === 'PROVISIONING') return { stage: cut(`provisioning${note}`), percentage: 1 };
  return { stage: cut(`catching up, ${lag} mutations behind${note}`), percentage: 70 };
}

async function verify(deps: MoveWorkDeps, { operation, request, context }: Move): Promise<void> {
  const view = await deps.placements.view(operation.databaseId);
  const copy = view?.placements.find(({ id }) => id === request.placementId);
  if (!view || !copy) throw databaseNotFound(operation.databaseId);
  await context.report({ stage: 'verifying', percentage: 75 });
  const { quarantinedCount } = await findTarget(deps, operation.databaseId, copy.id);
  if (quarantinedCount > 0) {
    throw new MoveFailed('RECORD_REFUSED', `The new server refuses ${quarantinedCount} of the records.`);
  }
  const onShare = (share: number): Promise<void> => context.report({ percentage: 75 + Math.floor(15 * share) });
  const signal = AbortSignal.any([context.signal, context.cancelled]);
  const { equal, counts } = await verifyCopies(deps, view, [copy], { repair: true, onShare }, signal);
  if (equal) return;
  const count = counts.missing + counts.extra + counts.different;
  throw new MoveFailed('PLACEMENT_CONFLICT', `${count} records at the new server are not what they should be.`);
}

async function takeOver(deps: MoveWorkDeps, { operation, request, context }: Move): Promise<void> {
  const { databaseId } = operation;
  await context.report({ stage: 'switching', percentage: 92 });
  const view = await deps.placements.view(databaseId);
  if (!view) throw databaseNotFound(databaseId);
  if (context.cancelled.aborted) throw new OperationCancelled();
  const from = view.primary.id;
  await deps.switchPrimary({ databaseId, from, to: request.placementId, reason: 'move', signal: context.signal });
}

/** The placement that was moved away from goes, with its collection; where its server is away, later. */
async function drain(deps: MoveWorkDeps, { operation, request, context }: Move): Promise<void> {
  const { signal } = context;
  await context.report({ stage: 'draining', percentage: 95 });
  await sleep(deps.settings.drainMs, undefined, { signal });
  const { role } = await findTarget(deps, operation.databaseId, request.placementId);
  if (role !== 'PRIMARY') {
    throw new DomainError(
      'PLACEMENT_CONFLICT',
      'Another placement became the primary right after the move; both are kept.',
    );
  }
  await deps.replicas.drain(operation.databaseId, request.from);
  deps.onPlaced(operation.databaseId);
  await sleep(deps.settings.drainMs, undefined, { signal });
  await context.report({ stage: 'removing the old collection', percentage: 98 });
  await deps.placementRemover.tryRemove(request.from);
}

/** What was made goes, unless it is the primary by now. */
async function undo(deps: MoveWorkDeps, { operation, request, context }: Move, cause: unknown): Promise<never> {
  const { databaseId } = operation;
  await deps.replicas.drain(databaseId, request.placementId);
  deps.onPlaced(databaseId);
  await deps.placementRemover.tryRemove(request.placementId);
  throw context.cancelled.aborted ? new OperationCancelled() : cause;
}

async function findTarget(
  { placements }: Pick<MoveWorkDeps, 'placements'>,
  databaseId: string,
  placementId: string,
): Promise<Placement> {
  const all = await placements.list(databaseId);
  if (all.length === 0) throw databaseNotFound(databaseId);
  const found = all.find(({ id }) => id === placementId);
  if (found && found.state !== 'DRAINING') return found;
  throw new DomainError('PLACEMENT_NOT_FOUND', 'The placement that the database was moving to was removed.');
}

const STAGE_MAX = 255;

function cut(stage: string): string {
  return stage.length <= STAGE_MAX ? stage : `${stage.slice(0, STAGE_MAX - 1)}…`;
}
