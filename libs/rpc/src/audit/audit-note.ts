import { type ContextKey, createContextKey } from '@connectrpc/connect';

/** What a handler adds to the record of its change, where the messages do not tell. */
export interface AuditNote {
  /** Whose things it is about, where that is not the caller. */
  ownerId?: string;
  /** The resource before the change, without secrets. */
  before?: Record<string, unknown> | null;
}

/** Where handlers find it; undefined where nothing is recorded. */
export const auditNoteKey: ContextKey<AuditNote | undefined> = createContextKey<AuditNote | undefined>(undefined, {
  description: 'note for the audit record',
});
