import { create, toJson } from '@bufbuild/protobuf';
import { VerifyPlacementsResponseSchema } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import type { JsonObject } from '../../json.ts';
import { databaseNotFound } from '../log/group-commit.ts';
import type { OperationContext, OperationWork } from '../operation/operation.ts';
import { OperationCancelled } from '../operation/run-operation.ts';
import { MEMBER_STATES } from '../placement/placement.ts';
import type { RepairDeps } from './repair.ts';
import { type Findings, notComparable, verifyCopies } from './verify-copies.ts';

/** The work of VerifyPlacements: every full copy against the primary. One that is still being filled is left out. */
export function createVerifyWork(deps: RepairDeps): OperationWork {
  return {
    async run({ databaseId, request }, context) {
      const view = await deps.placements.view(databaseId);
      if (!view) throw databaseNotFound(databaseId);
      const copies = view.placements.filter(({ id, state }) => id !== view.primary.id && MEMBER_STATES.includes(state));
      const away = [view.primary, ...copies].find(({ state }) => state === 'OFFLINE');
      if (away) throw notComparable(away);
      await context.report({ stage: 'comparing', percentage: 5 });
      const repair = request.repair === true;
      const onShare = (share: number): Promise<void> =>
        context.report({
          stage: repair ? 'comparing and mending' : 'comparing',
          percentage: 5 + Math.floor(90 * share),
        });
      const signal = AbortSignal.any([context.signal, context.cancelled]);
      return toResponse(
        await uncancelled(context, () => verifyCopies(deps, view, copies, { repair, onShare }, signal)),
      );
    },
  };
}

/** There is nothing to undo: a comparison that is cut off changes nothing, and what was mended stays so. */
async function uncancelled<T>({ cancelled }: OperationContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (cancelled.aborted) throw new OperationCancelled();
    throw error;
  }
}

function toResponse({ equal, counts, examples }: Findings): JsonObject {
  const message = create(VerifyPlacementsResponseSchema, { equal, ...counts, examples: [...examples] });
  return toJson(VerifyPlacementsResponseSchema, message) as JsonObject;
}
