/** Stands for a message when none came in time. */
export const HEARTBEAT = Symbol('heartbeat');

/** The same messages, with a sign of life whenever `everyMs` passed without one. */
export async function* withHeartbeat<T>(
  messages: AsyncIterator<T>,
  everyMs: number,
): AsyncGenerator<T | typeof HEARTBEAT> {
  let next = messages.next();
  for (;;) {
    const result = await within(next, everyMs);
    if (result === undefined) {
      yield HEARTBEAT;
      continue;
    }
    if (result.done) return;
    next = messages.next();
    // The consumer may be slow; a failure in the meantime is for the next turn.
    next.catch(() => {});
    yield result.value;
  }
}

/** What a promise gives within a time; undefined when it is not there yet. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
