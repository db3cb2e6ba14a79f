import type { JsonObject } from '@bufbuild/protobuf';
import { DomainError } from '@morag/errors';
import type { UploadDocumentRequest } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import type { UploadInput } from './upload-document.ts';

/** A stream of an upload, taken apart. */
export interface UploadStream {
  readonly input: UploadInput;
  readonly content: AsyncIterable<Uint8Array>;
}

/** Reads the first message, which says what comes; the pieces of the content follow, its own first. */
export async function openUpload(requests: AsyncIterable<UploadDocumentRequest>): Promise<UploadStream> {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await inTime(iterator.next());
  const head = first.done ? undefined : first.value;
  if (!head?.databaseId) {
    const violations = [{ field: 'databaseId', description: 'is required in the first message' }];
    throw new DomainError('INVALID_ARGUMENT', 'The first message of an upload names the database.', { violations });
  }
  return {
    input: {
      databaseId: head.databaseId,
      name: head.name,
      metadata: (head.metadata ?? {}) satisfies JsonObject,
      mediaType: head.mediaType,
    },
    content: pieces(head, iterator),
  };
}

async function* pieces(
  head: UploadDocumentRequest,
  rest: AsyncIterator<UploadDocumentRequest>,
): AsyncGenerator<Uint8Array> {
  if (head.content.length > 0) yield head.content;
  for (let next = await inTime(rest.next()); !next.done; next = await inTime(rest.next())) {
    if (next.value.content.length > 0) yield next.value.content;
  }
}

/** A stream has no deadline of its own; one that stands still would hold its connection and its file for ever. */
const PAUSE_MS_MAX = 60_000;

async function inTime<T>(next: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = (): void => reject(new DomainError('DEADLINE_EXCEEDED', 'The next piece of the file took too long.'));
  const timer = setTimeout(late, PAUSE_MS_MAX);
  try {
    return await Promise.race([next, promise]);
  } finally {
    clearTimeout(timer);
  }
}
