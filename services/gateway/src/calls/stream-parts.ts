import type { Message } from '@bufbuild/protobuf';
import { DomainError } from '@morag/errors';

/** The same items; a failure of the source, unlike one of whoever reads it, is reported first. */
export async function* reporting<T>(source: AsyncIterable<T>, onFailure: (error: unknown) => void): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const result = await iterator.next().catch((error: unknown) => {
        onFailure(error);
        throw error;
      });
      if (result.done) return;
      yield result.value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** The one answer of a call whose requests are a stream. */
export async function single(messages: AsyncIterable<Message>): Promise<Message> {
  let found: Message | undefined;
  for await (const message of messages) found = message;
  if (found === undefined) throw new DomainError('INTERNAL', 'internal error', { detail: 'no answer to a stream' });
  return found;
}
