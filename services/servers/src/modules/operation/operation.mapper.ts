import { create, type DescMessage, fromJson } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { ERROR_DOMAIN, REASONS } from '@morag/errors';
import { type Operation as OperationMessage, OperationSchema } from '@morag/gen/google/longrunning/operations_pb.ts';
import { ErrorInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { type Status, StatusSchema } from '@morag/gen/google/rpc/status_pb.ts';
import { DatabaseSchema, FailoverEventSchema } from '@morag/gen/morag/servers/v1/database_pb.ts';
import {
  DatabaseOperationMetadataSchema,
  ImportCollectionResponseSchema,
  VerifyPlacementsResponseSchema,
} from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import type { Operation, OperationFailure, OperationKind } from './operation.ts';

/** What an operation of each kind answers with. */
const RESPONSES: Readonly<Record<OperationKind, DescMessage>> = {
  MOVE: DatabaseSchema,
  VERIFY: VerifyPlacementsResponseSchema,
  FAIL_OVER: FailoverEventSchema,
  IMPORT: ImportCollectionResponseSchema,
};

/** An operation as callers see it. */
export function toOperationMessage(operation: Operation): OperationMessage {
  const { id, databaseId, percentage, stage, kind, isDone, failure, response } = operation;
  const metadata = create(DatabaseOperationMetadataSchema, { databaseId, percentage, stage });
  const message = create(OperationSchema, {
    name: `operations/${id}`,
    metadata: anyPack(DatabaseOperationMetadataSchema, metadata),
    done: isDone,
  });
  if (failure) message.result = { case: 'error', value: toStatus(failure) };
  else if (response) {
    const schema = RESPONSES[kind];
    message.result = { case: 'response', value: anyPack(schema, fromJson(schema, response)) };
  }
  return message;
}

function toStatus({ reason, text }: OperationFailure): Status {
  const info = create(ErrorInfoSchema, { domain: ERROR_DOMAIN, reason });
  return create(StatusSchema, {
    code: REASONS[reason].code,
    message: text,
    details: [anyPack(ErrorInfoSchema, info)],
  });
}
