import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  HealthCheck_HealthStatusSchema,
  type HealthCheck as HealthCheckMessage,
  HealthCheckSchema,
} from '@morag/gen/morag/servers/v1/server_pb.ts';
import {
  type ServerHealth as ServerHealthMessage,
  ServerHealthSchema,
} from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { enumNames } from '../../enum-names.ts';
import type { HealthCheck, ServerHealth } from './health.ts';
import { HEALTH_STATUSES } from './health-status.ts';

const statuses = enumNames(HealthCheck_HealthStatusSchema, HEALTH_STATUSES);

/** One look at a server. */
export function toHealthCheckMessage(check: HealthCheck): HealthCheckMessage {
  return create(HealthCheckSchema, {
    id: check.id,
    serverId: check.serverId,
    status: statuses.valueOf(check.status),
    latencyMs: check.latencyMs,
    errorCategory: check.errorCategory,
    version: check.serverVersion,
    collectionsCount: check.collectionsCount ?? undefined,
    storageSizeBytes: check.storageBytes === null ? undefined : BigInt(check.storageBytes),
    createTime: timestampFromDate(check.checkedAt),
  });
}

/** A server's health as last judged. */
export function toServerHealthMessage(health: ServerHealth): ServerHealthMessage {
  return create(ServerHealthSchema, {
    serverId: health.serverId,
    status: statuses.valueOf(health.status),
    sinceTime: health.sinceAt && timestampFromDate(health.sinceAt),
    lastCheck: health.lastCheck && toHealthCheckMessage(health.lastCheck),
    uptimeHour: health.uptime.hour,
    uptimeDay: health.uptime.day,
    uptimeWeek: health.uptime.week,
  });
}
