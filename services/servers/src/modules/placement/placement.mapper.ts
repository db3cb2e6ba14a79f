import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  Placement_RoleSchema,
  Placement_StateSchema,
  type Placement as PlacementMessage,
  PlacementSchema,
  type QuarantinedRecord as QuarantinedMessage,
  QuarantinedRecordSchema,
} from '@morag/gen/morag/servers/v1/database_pb.ts';
import { enumNames } from '../../enum-names.ts';
import { PLACEMENT_ROLES, PLACEMENT_STATES, type Placement, type QuarantinedRecord } from './placement.ts';

const roles = enumNames(Placement_RoleSchema, PLACEMENT_ROLES);
const states = enumNames(Placement_StateSchema, PLACEMENT_STATES);

/** A placement as callers see it. */
export function toPlacementMessage(placement: Placement): PlacementMessage {
  return create(PlacementSchema, {
    id: placement.id,
    databaseId: placement.databaseId,
    serverId: placement.serverId,
    collection: placement.collection,
    role: roles.valueOf(placement.role),
    state: states.valueOf(placement.state),
    appliedSequence: BigInt(placement.appliedSequence),
    lag: placement.lag,
    lagSeconds: placement.lagSeconds,
    percentage: copiedPercentage(placement),
    quarantinedCount: placement.quarantinedCount,
    lastError: placement.lastError,
    createTime: timestampFromDate(placement.createdAt),
    updateTime: timestampFromDate(placement.updatedAt),
  });
}

/** Records written meanwhile may make a copy larger than what was counted: 100 only stands for one that is complete. */
function copiedPercentage({ state, copied, copyTotal }: Placement): number {
  if (state !== 'PROVISIONING' && state !== 'BACKFILLING') return 100;
  return copyTotal === 0 ? 0 : Math.min(99, Math.floor((100 * copied) / copyTotal));
}

/** A refused record as callers see it. */
export function toQuarantinedMessage({ recordId, sequence, reason, createdAt }: QuarantinedRecord): QuarantinedMessage {
  return create(QuarantinedRecordSchema, {
    recordId,
    sequence: BigInt(sequence),
    reason,
    createTime: timestampFromDate(createdAt),
  });
}
