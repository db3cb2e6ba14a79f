import { defineEntity, p } from '@mikro-orm/postgresql';
import { ServerEntity } from '../server/server.entity.ts';
import { HEALTH_STATUSES } from './health-status.ts';

/** How a server does by its last judgement; written only when that changes. */
export const ServerHealthEntity = defineEntity({
  name: 'ServerHealth',
  tableName: 'server_health',
  properties: {
    server: () => p.manyToOne(ServerEntity).primary().deleteRule('cascade').ref(),
    status: p.enum(HEALTH_STATUSES),
    sinceAt: p.datetime(6),
    /** The transaction that wrote the status, so that others need to read only what is new. */
    writtenXid: p.bigint(),
    /** When it was seen to stop in a way that may have cost it what it confirmed; null when its placements are wound back. */
    stoppedAt: p.datetime(6).nullable(),
  },
  indexes: [
    { name: 'server_health_written', properties: ['writtenXid'] },
    { name: 'server_health_stopped', properties: ['server'], where: 'stopped_at is not null' },
  ],
});

/** Past looks at a server: each for a day, then one an hour. */
export const HealthCheckEntity = defineEntity({
  name: 'HealthCheck',
  tableName: 'health_checks',
  properties: {
    server: () => p.manyToOne(ServerEntity).primary().deleteRule('cascade').ref(),
    /** UUIDv7: in the order of time. */
    id: p.uuid().primary(),
    checkedAt: p.datetime(6),
    status: p.enum(HEALTH_STATUSES),
    latencyMs: p.float(),
    errorCategory: p.string().length(64).default(''),
    serverVersion: p.string().length(255).default(''),
    collectionsCount: p.integer().nullable(),
    storageBytes: p.bigint().nullable(),
    /** Of an hour that was rolled up: in which share of it the server answered; null for a single look. */
    uptime: p.float().nullable(),
  },
});

/** The instances that share the probing: a row is a lease. */
export const HealthMemberEntity = defineEntity({
  name: 'HealthMember',
  tableName: 'health_members',
  properties: {
    instanceId: p.string().length(64).primary(),
    leaseUntil: p.datetime(6),
  },
});
