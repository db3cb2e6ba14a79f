import { Operations } from '@morag/gen/google/longrunning/operations_pb.ts';
import { CollectionService } from '@morag/gen/morag/servers/v1/collection_service_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { methodNames } from '@morag/rpc';

/** The services of this program. */
export const SERVICES = [ServerService, CollectionService, DatabaseService, RecordService, Operations] as const;

/** Methods that are part of the contract and answer NOT_YET_AVAILABLE. What builds one takes it from here. */
export const UNAVAILABLE_METHODS = {
  database: ['resolveQuarantine', 'moveDatabase', 'verifyPlacements'],
} as const;

/** Full names of all of them. */
export const NOT_YET_AVAILABLE: readonly string[] = [...methodNames(DatabaseService, UNAVAILABLE_METHODS.database)];
