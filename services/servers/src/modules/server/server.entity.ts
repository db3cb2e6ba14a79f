import { defineEntity, p } from '@mikro-orm/postgresql';
import { baseColumns } from '@morag/orm';
import type { JsonObject } from '../../json.ts';
import { SERVER_TYPES, TLS_MODES } from './server.ts';

/** A registered server: see `Server`. */
export const ServerEntity = defineEntity({
  name: 'Server',
  tableName: 'servers',
  properties: {
    ...baseColumns,
    ownerId: p.uuid(),
    name: p.string().length(255),
    type: p.enum(SERVER_TYPES),
    host: p.string().length(255),
    port: p.integer(),
    tls: p.enum(TLS_MODES),
    username: p.string().length(255),
    /** Sealed by the vault. */
    sealedPassword: p.text().nullable().hidden(),
    sealedApiKey: p.text().nullable().hidden(),
    database: p.string().length(255),
    collection: p.string().length(255),
    config: p.json<JsonObject>().defaultRaw("'{}'"),
    labels: p.json<Record<string, string>>().defaultRaw("'{}'"),
    isActive: p.boolean().default(false),
    lastConnectedAt: p.datetime(6).nullable(),
    revision: p.integer().default(1),
  },
  uniques: [{ name: 'servers_owner_name', properties: ['ownerId', 'name'] }],
  indexes: [
    { name: 'servers_owner_created', properties: ['ownerId', 'createdAt', 'id'] },
    { name: 'servers_created', properties: ['createdAt', 'id'] },
  ],
});

/** Owners whose everything was removed, so that a call of theirs that was under way leaves nothing behind. */
export const DepartedOwnerEntity = defineEntity({
  name: 'DepartedOwner',
  tableName: 'departed_owners',
  properties: {
    ownerId: p.uuid().primary(),
    createdAt: p.datetime(6).defaultRaw('now()'),
  },
});
