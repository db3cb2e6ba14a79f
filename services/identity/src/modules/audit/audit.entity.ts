import { defineEntity, p } from '@mikro-orm/postgresql';

const AuditEventSchema = defineEntity({
  name: 'AuditEvent',
  tableName: 'audit_events',
  properties: {
    id: p.uuid().primary(),
    /** The nil UUID for what is nobody's, such as a failed log-in of an unknown account. */
    ownerId: p.uuid(),
    /** Place in the owner's chain, from 1. */
    sequence: p.bigint('bigint'),
    /** HMAC of the event before and of everything below. */
    mac: p.blob(),
    /** When it happened. */
    createdAt: p.datetime(6),
    userId: p.string().length(36),
    apiKeyId: p.string().length(36),
    sessionId: p.string().length(36),
    service: p.string().length(50),
    action: p.string().length(200),
    target: p.string().length(500),
    outcome: p.enum(['SUCCEEDED', 'FAILED', 'DENIED', 'UNFINISHED'] as const),
    requestId: p.string().length(128),
    address: p.string().length(45),
    /** JSON as text: the chain is over its very bytes. */
    before: p.text(),
    after: p.text(),
  },
  indexes: [
    { name: 'audit_events_owner', properties: ['ownerId', 'createdAt', 'id'] },
    { name: 'audit_events_created', properties: ['createdAt', 'id'] },
  ],
  uniques: [{ name: 'audit_events_chain', properties: ['ownerId', 'sequence'] }],
});

/** One change or one refusal. Only ever added, and removed from the old end. */
export class AuditEvent extends AuditEventSchema.class {}
AuditEventSchema.setClass(AuditEvent);

const AuditChainSchema = defineEntity({
  name: 'AuditChain',
  tableName: 'audit_chains',
  properties: {
    ownerId: p.uuid().primary(),
    sequence: p.bigint('bigint'),
    mac: p.blob(),
    /** The checkpoint: the last event that was removed for its age, and the signature of that. */
    baseSequence: p.bigint('bigint'),
    baseMac: p.blob(),
    baseSignature: p.blob(),
  },
});

/** The end of an owner's chain, and where it begins since old events were removed. */
export class AuditChain extends AuditChainSchema.class {}
AuditChainSchema.setClass(AuditChain);
