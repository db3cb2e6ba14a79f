import type { Embedder } from '@morag/embedder';
import type { Database } from '@morag/orm';
import { countChunks, markStored, nextUnstored, type UnstoredChunk } from '../modules/document/chunk.store.ts';
import { type Lease, leaseLost, reportProgress } from '../modules/job/lease.store.ts';
import type { ActFor, ServersPort } from '../servers/servers.port.ts';

/** What the stages in the middle need. */
export interface VectorParts {
  readonly db: Database;
  readonly embedder: Embedder;
  readonly servers: ServersPort;
  readonly actFor: ActFor;
  readonly onProgress: (jobId: string) => void;
}

/** Passages that are embedded and written together: a second or so of the built-in embedder, which bounds what a death costs. */
const BATCH = 64;
/** A server that takes longer than this for a batch counts as down for now. */
const WRITE_MS_MAX = 30_000;
const FROM_PERCENT = 15;
const TO_PERCENT = 95;

/**
 * Embeds and writes what the version lacks, in reading order. The next batch is embedded while the last one is written.
 * What is confirmed is marked, so that no attempt embeds it again.
 */
export async function storeVectors(parts: VectorParts, lease: Lease, signal: AbortSignal): Promise<void> {
  const { total, unstored } = await countChunks(parts.db, lease.versionId);
  let done = total - unstored;
  let writing: Promise<void> = Promise.resolve();
  const show = async (): Promise<void> => {
    await reportProgress(parts.db, lease, {
      stage: done < total ? 'EMBEDDING' : 'STORING',
      percentage: FROM_PERCENT + Math.floor(((TO_PERCENT - FROM_PERCENT) * done) / total),
      summary: `${done} of ${total} passages are stored`,
    });
    parts.onProgress(lease.jobId);
  };
  const write = async (batch: readonly UnstoredChunk[], vectors: readonly Float32Array[]): Promise<void> => {
    await writeBatch(parts, lease, batch, vectors, signal);
    done += batch.length;
    await show();
  };
  await show();
  for (let after = -1; ; ) {
    const batch = await nextUnstored(parts.db, lease.versionId, after, BATCH);
    const last = batch.at(-1);
    if (last === undefined) break;
    after = last.position;
    const texts = batch.map(({ embeddingText }) => embeddingText);
    const vectors = await parts.embedder.embed(texts, 'passage', signal);
    await writing;
    writing = write(batch, vectors);
    // Heard of when it is awaited; until then it is nobody's unhandled rejection.
    writing.catch(() => {});
  }
  await writing;
}

async function writeBatch(
  { db, servers, actFor }: VectorParts,
  lease: Lease,
  batch: readonly UnstoredChunk[],
  vectors: readonly Float32Array[],
  signal: AbortSignal,
): Promise<void> {
  const records = batch.map(({ id }, index) => ({
    id,
    documentId: lease.documentId,
    vector: vectorAt(vectors, index),
  }));
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(WRITE_MS_MAX)]);
  await servers.upsert(lease.databaseId, records, await actFor(lease.ownerId), bounded);
  const ids = batch.map(({ id }) => id);
  if (!(await markStored(db, lease, ids))) throw leaseLost(lease.jobId);
}

function vectorAt(vectors: readonly Float32Array[], index: number): Float32Array {
  const vector = vectors[index];
  if (vector === undefined) throw new Error('the embedder answered fewer vectors than it was given texts');
  return vector;
}
