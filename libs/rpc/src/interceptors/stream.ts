/**
 * The same messages, with `end` called exactly once when the stream is over: with the error if it failed, with nothing
 * if it ended or its reader left.
 */
export async function* observed<T>(messages: AsyncIterable<T>, end: (error?: unknown) => void): AsyncGenerator<T> {
  let failure: unknown;
  try {
    yield* messages;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    end(failure);
  }
}

/** The same messages, each one checked before it is handed on. */
export async function* checked<T>(messages: AsyncIterable<T>, check: (message: T) => void): AsyncGenerator<T> {
  for await (const message of messages) {
    check(message);
    yield message;
  }
}
