import { Operations } from '@morag/gen/google/longrunning/operations_pb.ts';
import { CollectionService } from '@morag/gen/morag/servers/v1/collection_service_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { QuotaService } from '@morag/gen/morag/servers/v1/quota_service_pb.ts';
import { RecordService } from '@morag/gen/morag/servers/v1/record_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { WebhookService } from '@morag/gen/morag/servers/v1/webhook_service_pb.ts';

/** The services of this program. */
export const SERVICES = [
  ServerService,
  CollectionService,
  DatabaseService,
  RecordService,
  WebhookService,
  QuotaService,
  Operations,
] as const;
