import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { type ContextKey, createContextKey, type HandlerContext } from '@connectrpc/connect';
import { withoutSecrets } from './describe-change.ts';

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

/**
 * Writes down what is about to be changed, as it is read now; reads nothing where nothing is recorded. What cannot be read is
 * left out: why it cannot be changed is for the change itself to say.
 */
export async function noteBefore<Desc extends DescMessage>(
  { values }: Pick<HandlerContext, 'values'>,
  schema: Desc,
  read: () => Promise<MessageShape<Desc>>,
): Promise<void> {
  const note = values.get(auditNoteKey);
  const found = note && (await read().catch(() => undefined));
  if (note && found) note.before = withoutSecrets(schema, found);
}
