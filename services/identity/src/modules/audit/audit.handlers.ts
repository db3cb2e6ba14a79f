import { create, type JsonObject } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { ownerScope, requirePrincipal } from '@morag/auth';
import {
  type AuditEvent,
  AuditEvent_Outcome,
  AuditEventSchema,
  AuditService,
  ListAuditEventsResponseSchema,
} from '@morag/gen/morag/identity/v1/audit_service_pb.ts';
import { type Cursor, type Database, equals, type ListSpec, listPage } from '@morag/orm';
import { type AuditRecord, methodName, type PageTokens } from '@morag/rpc';
import { appendEvents, NOBODY } from './append-events.ts';
import type { AuditChainer, ChainedEvent } from './audit-chain.ts';
import { verifyChains } from './verify-chains.ts';

/** What the handlers of the audit log need. */
export interface AuditDeps {
  readonly db: Database;
  readonly chainer: AuditChainer;
  readonly pageTokens: PageTokens;
}

const OUTCOMES = ['SUCCEEDED', 'FAILED', 'DENIED', 'UNFINISHED'] as const;

const LIST: ListSpec = {
  from: 'identity.audit_events',
  columns: `id, owner_id as "ownerId", user_id as "userId", api_key_id as "apiKeyId", session_id as "sessionId", service,
    action, target, outcome, request_id as "requestId", address, before, after, created_at as "createdAt"`,
  id: 'id',
  filter: {
    user_id: { column: 'user_id', kind: 'text' },
    api_key_id: { column: 'api_key_id', kind: 'text' },
    action: { column: 'action', kind: 'text' },
    target: { column: 'target', kind: 'text' },
    outcome: { column: 'outcome', kind: OUTCOMES },
    request_id: { column: 'request_id', kind: 'text' },
    create_time: { column: 'created_at', kind: 'timestamp' },
  },
  order: { create_time: { column: 'created_at', type: 'timestamptz' } },
  defaultOrder: 'create_time desc',
};

/** AuditService over the chains. */
export function auditHandlers(deps: AuditDeps): ServiceImpl<typeof AuditService> {
  const { db, pageTokens } = deps;
  return {
    async listAuditEvents({ pageSize, pageToken, filter }, context) {
      const principal = requirePrincipal(context);
      const method = methodName(AuditService.method.listAuditEvents);
      const binding = { caller: principal.userId, method, query: filter };
      const cursor = pageTokens.decode<Cursor>(binding, pageToken);
      const { ownerId } = ownerScope(principal);
      const own = ownerId === undefined ? [] : [equals('owner_id', ownerId)];
      const page = await listPage<ChainedEvent>(db, LIST, { pageSize, cursor, filter }, own);
      return create(ListAuditEventsResponseSchema, {
        auditEvents: page.rows.map(toEvent),
        nextPageToken: page.next ? pageTokens.encode(binding, page.next) : '',
      });
    },
    async verifyAuditLog(_request, context) {
      const { ownerId } = ownerScope(requirePrincipal(context));
      const { chains, events, faults } = await verifyChains(deps, ownerId, context.signal);
      return { chains: BigInt(chains), events: BigInt(events), faults: [...faults] };
    },
    async recordAuditEvents({ auditEvents }, { signal }) {
      await appendEvents(deps, auditEvents.map(fromEvent), signal);
      return {};
    },
  };
}

function fromEvent(event: AuditEvent): AuditRecord {
  const { id, ownerId, userId, apiKeyId, sessionId, service, action, target, requestId, address } = event;
  return {
    id,
    ownerId,
    userId,
    apiKeyId,
    sessionId,
    service,
    action,
    target,
    requestId,
    address,
    outcome: OUTCOMES.find((name) => AuditEvent_Outcome[name] === event.outcome) ?? 'UNFINISHED',
    before: event.before ?? null,
    after: event.after ?? null,
    at: (event.createTime ? timestampDate(event.createTime) : new Date()).toISOString(),
  };
}

function toEvent(row: ChainedEvent): AuditEvent {
  const json = (text: string): JsonObject | undefined => (text === '' ? undefined : (JSON.parse(text) as JsonObject));
  return create(AuditEventSchema, {
    id: row.id,
    ownerId: row.ownerId === NOBODY ? '' : row.ownerId,
    userId: row.userId,
    apiKeyId: row.apiKeyId,
    sessionId: row.sessionId,
    service: row.service,
    action: row.action,
    target: row.target,
    outcome: AuditEvent_Outcome[row.outcome as (typeof OUTCOMES)[number]],
    requestId: row.requestId,
    address: row.address,
    before: json(row.before),
    after: json(row.after),
    createTime: timestampFromDate(row.createdAt),
  });
}
