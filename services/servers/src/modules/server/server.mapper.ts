import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  Server_DatabaseTypeSchema,
  Server_TlsModeSchema,
  type Server as ServerMessage,
  ServerSchema,
} from '@morag/gen/morag/servers/v1/server_pb.ts';
import {
  type ServerTypeSchema,
  type TestConnectionResponse,
  TestConnectionResponse_Failure_PhaseSchema,
  TestConnectionResponseSchema,
  type TestServer,
} from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { etagOf } from '@morag/orm';
import { enumNames } from '../../enum-names.ts';
import type { TestPhase, TestResult, VendorDescription } from '../connector/vendors.ts';
import type { ServerDraft } from './create-server.ts';
import { SERVER_TYPES, type Server, type ServerAddress, TLS_MODES } from './server.ts';
import type { Secrets } from './server-secrets.ts';

/** Server types by the contract's numbers. */
export const types = enumNames(Server_DatabaseTypeSchema, SERVER_TYPES);
const tlsModes = enumNames(Server_TlsModeSchema, TLS_MODES);
const PHASES: readonly TestPhase[] = [
  'DNS',
  'TCP',
  'TLS',
  'AUTH',
  'PERMISSION',
  'PROTOCOL',
  'VERSION',
  'NOT_FOUND',
  'TIMEOUT',
  'EGRESS',
];
const phases = enumNames(TestConnectionResponse_Failure_PhaseSchema, PHASES);

/** A server as callers see it: without its secrets. */
export function toServerMessage(server: Server): ServerMessage {
  const { sealedPassword, sealedApiKey, lastConnectedAt, createdAt, updatedAt, type, tls, ...rest } = server;
  return create(ServerSchema, {
    id: rest.id,
    ownerId: rest.ownerId,
    name: rest.name,
    type: types.valueOf(type),
    host: rest.host,
    port: rest.port,
    tls: tlsModes.valueOf(tls),
    username: rest.username,
    database: rest.database,
    collection: rest.collection,
    config: rest.config,
    labels: { ...rest.labels },
    isActive: rest.isActive,
    lastConnectedTime: lastConnectedAt ? timestampFromDate(lastConnectedAt) : undefined,
    hasPassword: sealedPassword !== null,
    hasApiKey: sealedApiKey !== null,
    createTime: timestampFromDate(createdAt),
    updateTime: timestampFromDate(updatedAt),
    etag: etagOf(server),
  });
}

/** What a caller says about a server; validation has seen to the bounds. */
export function fromServerMessage(message: ServerMessage): ServerDraft {
  return {
    ...fromTestServer(message).address,
    name: message.name,
    password: message.password,
    apiKey: message.apiKey,
    collection: message.collection,
    labels: message.labels,
  };
}

/** A configuration to try. */
export function fromTestServer(
  message: Pick<
    ServerMessage | TestServer,
    'type' | 'host' | 'port' | 'tls' | 'username' | 'password' | 'apiKey' | 'database' | 'config'
  >,
): { address: ServerAddress; secrets: Secrets } {
  const address = {
    // An update that does not change the type carries none; the value is then not looked at.
    type: types.nameOf(message.type) ?? SERVER_TYPES[0],
    host: message.host,
    port: message.port,
    tls: tlsModes.nameOf(message.tls) ?? 'DISABLED',
    username: message.username,
    database: message.database,
    config: message.config ?? {},
  };
  return {
    address,
    secrets: { password: message.password || undefined, apiKey: message.apiKey || undefined },
  };
}

/** The result of a connection test. */
export function toTestResponse({ failure, ...result }: TestResult): TestConnectionResponse {
  return create(TestConnectionResponseSchema, {
    success: result.success,
    message: result.message,
    responseTimeMs: result.responseTimeMs,
    serverInfo: result.serverInfo,
    failure: failure && { phase: phases.valueOf(failure.phase), detail: failure.detail },
  });
}

/** What a vendor's servers can do. */
export function toServerType(vendor: VendorDescription): MessageInitShape<typeof ServerTypeSchema> {
  return { ...vendor, type: types.valueOf(vendor.type) };
}
