/** What a service says that has done nothing yet: on a busy machine a connection takes longer than a call waits for it. */
const COME_AGAIN: ReadonlySet<string> = new Set(['OVERLOADED', 'UNAVAILABLE']);
const TRIES_MAX = 10;

/** The reason of an error, where it has one. */
type ReasonOf = (error: unknown) => string | undefined;

/** How a call ends: `OK`, or why not. The caller comes again when it is told to. */
export async function endOf(call: () => Promise<unknown>, reasonOf: ReasonOf): Promise<string> {
  for (let tries = 1; ; tries++) {
    const end = await call().then(
      () => 'OK',
      (error: unknown) => reasonOf(error) ?? String(error),
    );
    if (!COME_AGAIN.has(end) || tries === TRIES_MAX) return end;
  }
}

/** Makes all calls at once; how many of them ended how. */
export async function countEnds(
  calls: readonly (() => Promise<unknown>)[],
  reasonOf: ReasonOf,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const ends = await Promise.all(calls.map((call) => endOf(call, reasonOf)));
  for (const end of ends) counts[end] = (counts[end] ?? 0) + 1;
  return counts;
}
