/**
 * The same messages, with `end` called exactly once when the stream is over: with the error if it failed, with nothing
 * if it ended or its reader left. `translate` turns the error before anybody sees it.
 */
export async function* observed<T>(
  messages: AsyncIterable<T>,
  end: (error?: unknown) => void,
  translate: (error: unknown) => unknown = (error) => error,
): AsyncGenerator<T> {
  let failure: unknown;
  try {
    yield* messages;
  } catch (error) {
    failure = translate(error);
    throw failure;
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
