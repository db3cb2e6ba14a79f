import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Failure, FailureSchema } from '@morag/gen/morag/documents/v1/document_pb.ts';

/** A time as the contract has it; absent for null. */
export function toTimestamp(date: Date | null): Timestamp | undefined {
  return date === null ? undefined : timestampFromDate(date);
}

/** A failure as the contract has it; absent without a reason. */
export function toFailureMessage(row: {
  readonly failureReason: string | null;
  readonly failureDetail: string | null;
}): Failure | undefined {
  if (row.failureReason === null) return undefined;
  return create(FailureSchema, { reason: row.failureReason, detail: row.failureDetail ?? '' });
}
