import type { BlobStore } from './blob-store.ts';

/** What garbage collection needs to know and to do. */
export interface GarbageParts {
  readonly blobs: BlobStore;
  /** Those of the hashes that no version of a document names. */
  readonly unreferenced: (hashes: readonly string[]) => Promise<readonly string[]>;
}

const HASHES_AT_ONCE = 500;

/**
 * Removes contents that no document needs. Only those older than `cutoff`: an upload commits its content a moment before
 * the rows that name it.
 */
export async function collectGarbage(parts: GarbageParts, cutoff: Date, signal: AbortSignal): Promise<number> {
  let removed = 0;
  let batch: string[] = [];
  const flush = async (): Promise<void> => {
    for (const hash of await parts.unreferenced(batch)) {
      if (await parts.blobs.removeOlder(hash, cutoff)) removed += 1;
    }
    batch = [];
  };
  for await (const { hash, committedAt } of parts.blobs.list(signal)) {
    signal.throwIfAborted();
    if (committedAt < cutoff) batch.push(hash);
    if (batch.length === HASHES_AT_ONCE) await flush();
  }
  await flush();
  return removed;
}
