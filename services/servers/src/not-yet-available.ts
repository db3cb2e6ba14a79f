import { CollectionService } from '@morag/gen/morag/servers/v1/collection_service_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';

/** The services of this program. */
export const SERVICES = [ServerService, CollectionService, DatabaseService, RecordService] as const;

/** Methods that are part of the contract and answer NOT_YET_AVAILABLE. What builds one takes it from here. */
export const NOT_YET_AVAILABLE = {
  server: ['listHealthChecks', 'watchHealth', 'listConnectionEvents'],
  database: [
    'createPlacement',
    'deletePlacement',
    'resolveQuarantine',
    'failOver',
    'moveDatabase',
    'verifyPlacements',
    'listFailoverEvents',
  ],
  record: ['importRecords', 'exportRecords'],
} as const;
