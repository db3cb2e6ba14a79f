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

/** The same messages, each one checked before it is handed on; `translate` renames what reading them fails with. */
export async function* checked<T>(
  messages: AsyncIterable<T>,
  check: (message: T) => void,
  translate: (error: unknown) => unknown,
): AsyncGenerator<T> {
  const source = messages[Symbol.asyncIterator]();
  const next = () => source.next().catch((error: unknown) => Promise.reject(translate(error)));
  try {
    for (let read = await next(); read.done !== true; read = await next()) {
      check(read.value);
      yield read.value;
    }
  } finally {
    await source.return?.();
  }
}
