import { DomainError } from '@morag/errors';

/** See `DocumentState` in document.proto. */
export const DOCUMENT_STATES = ['PENDING', 'INGESTING', 'INGESTED', 'DEPRECATED', 'DELETED'] as const;
export type DocumentState = (typeof DOCUMENT_STATES)[number];

/** What happens to a document. */
export type DocumentEvent =
  /** Another content comes under its name; what is searched stays until the new version is complete. */
  | 'upload'
  /** A worker takes its job. */
  | 'begin'
  /** Its new version is complete. */
  | 'complete'
  /** Its ingestion fails, is cancelled, or is handed back. */
  | 'interrupt'
  | 'deprecate'
  | 'restore'
  | 'delete';

const TRANSITIONS: Readonly<Record<DocumentEvent, Partial<Record<DocumentState, DocumentState>>>> = {
  upload: { PENDING: 'PENDING', INGESTING: 'PENDING', INGESTED: 'PENDING' },
  begin: { PENDING: 'INGESTING' },
  complete: { INGESTING: 'INGESTED' },
  interrupt: { PENDING: 'PENDING', INGESTING: 'PENDING' },
  deprecate: { INGESTED: 'DEPRECATED' },
  restore: { DEPRECATED: 'INGESTED' },
  delete: { PENDING: 'DELETED', INGESTING: 'DELETED', INGESTED: 'DELETED', DEPRECATED: 'DELETED', DELETED: 'DELETED' },
};

/** The state that follows; throws INVALID_DOCUMENT_STATE for a transition that does not exist. */
export function nextDocumentState(from: DocumentState, event: DocumentEvent): DocumentState {
  const to = TRANSITIONS[event][from];
  if (to !== undefined) return to;
  throw new DomainError('INVALID_DOCUMENT_STATE', `The document is ${from}; it cannot ${WORDS[event]} now.`, {
    metadata: { state: from },
  });
}

/** Whether the chunks of the active version can be found. */
export function isSearchable(state: DocumentState): boolean {
  return state !== 'DEPRECATED' && state !== 'DELETED';
}

const WORDS: Readonly<Record<DocumentEvent, string>> = {
  upload: 'take another version',
  begin: 'be ingested',
  complete: 'complete an ingestion',
  interrupt: 'interrupt an ingestion',
  deprecate: 'be deprecated',
  restore: 'be restored',
  delete: 'be deleted',
};
