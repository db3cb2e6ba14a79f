import { setTimeout as delay } from 'node:timers/promises';
import type { Call } from '@morag/connectors-core';
import type { PineconeIndex } from './pinecone.indexes.ts';
import type { PineconeSession } from './pinecone.wire.ts';

/** How long a write waits to be seen; it is stored whether it is or not. */
const SEEN_WITHIN_MS = 10_000;
const POLL_MS_MIN = 20;
const POLL_MS_MAX = 500;

/**
 * Waits until queries see the write of this sequence number, as the headers of their answers tell; forever, that is
 * until the call ends, unless bounded. Counting records would not do: a deletion cancels an insertion.
 */
export async function untilSeen(
  session: PineconeSession,
  call: Call,
  index: PineconeIndex,
  written: number,
  withinMs = Number.POSITIVE_INFINITY,
): Promise<void> {
  const vector = probeOf(index);
  const handle = session.index(index.host);
  const endsAt = performance.now() + withinMs;
  for (let waitMs = POLL_MS_MIN; performance.now() < endsAt; waitMs = Math.min(POLL_MS_MAX, waitMs * 1.6)) {
    await handle.query({ vector, topK: 1, includeValues: false, includeMetadata: false });
    // Without the header nothing of the namespace is indexed yet.
    if ((session.indexed ?? -1) >= written) return;
    await delay(waitMs, undefined, { signal: call.signal });
  }
}

/** What a write does at its end. That it is not seen in time, or cannot be looked for, does not make it fail. */
export async function afterWriting(session: PineconeSession, call: Call, index: PineconeIndex): Promise<void> {
  const { written } = session;
  if (written === undefined) return;
  try {
    await untilSeen(session, call, index, written, Math.min(SEEN_WITHIN_MS, call.remainingMs() / 2));
  } catch {
    call.signal.throwIfAborted();
  }
}

function probeOf({ dimension }: PineconeIndex): number[] {
  return Array.from({ length: dimension ?? 1 }, () => 1);
}
