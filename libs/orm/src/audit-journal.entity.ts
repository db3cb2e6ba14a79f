import { defineEntity, p } from '@mikro-orm/postgresql';

const AuditEntrySchema = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_journal',
  properties: {
    id: p.uuid().primary(),
    record: p.json<unknown>(),
    createdAt: p.datetime(6).index('audit_journal_created'),
    /** Null while the change is under way, or when its process died. */
    endedAt: p.datetime(6).nullable(),
  },
});

/** A change or a refusal, until the identity service has it. A service that writes a journal lists it among its entities. */
export class AuditEntry extends AuditEntrySchema.class {}
AuditEntrySchema.setClass(AuditEntry);
