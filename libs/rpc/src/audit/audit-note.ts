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

/** Writes down what is about to be changed, as it is read now; reads nothing where nothing is recorded. */
export async function noteBefore<Desc extends DescMessage>(
  { values }: Pick<HandlerContext, 'values'>,
  schema: Desc,
  read: () => Promise<MessageShape<Desc>>,
): Promise<void> {
  const note = values.get(auditNoteKey);
  if (note) note.before = withoutSecrets(schema, await read());
}
