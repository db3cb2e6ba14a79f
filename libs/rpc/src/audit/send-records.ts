import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { createClient, type Transport } from '@connectrpc/connect';
import { type ServiceTokens, SYSTEM_USER_ID } from '@morag/auth';
import {
  AuditEvent_Outcome,
  type AuditEventSchema,
  AuditService,
} from '@morag/gen/morag/identity/v1/audit_service_pb.ts';
import type { AuditRecord } from './audit-journal.ts';

/** Hands records of a service's journal to identity. */
export function sendAuditRecords(
  identity: Transport,
  tokens: ServiceTokens,
): (records: readonly AuditRecord[], signal: AbortSignal) => Promise<void> {
  const client = createClient(AuditService, identity);
  return async (records, signal) => {
    const token = await tokens.issue({ audience: 'identity', ownerId: SYSTEM_USER_ID, permissions: [] });
    const headers = { authorization: `Bearer ${token}` };
    await client.recordAuditEvents({ auditEvents: records.map(toMessage) }, { signal, headers });
  };
}

function toMessage(record: AuditRecord): MessageInitShape<typeof AuditEventSchema> {
  const { at, before, after, outcome, ...rest } = record;
  return {
    ...rest,
    outcome: AuditEvent_Outcome[outcome],
    createTime: timestampFromDate(new Date(at)),
    ...(before && { before: before as JsonObject }),
    ...(after && { after: after as JsonObject }),
  };
}
