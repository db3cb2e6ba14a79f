import { DomainError } from '@morag/errors';
import { type Database, type Em, newId } from '@morag/orm';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Chunk } from '../chunk/chunk.ts';
import type { FileFacts } from '../extract/extract-document.ts';
import { insertChunks, type NewChunk, storable, storedIdsByHash } from '../modules/document/chunk.store.ts';
import { activeVersionOf, findVersion } from '../modules/document/document.store.ts';
import { holdLease, type Lease, type Progress, reportProgress } from '../modules/job/lease.store.ts';
import type { PreparedDocument } from '../prepare/prepare-document.ts';
import { indexChunks } from '../search/lexical.store.ts';
import { sqlOf } from '../sql.ts';

/** Reads a file in a thread that may die of it. */
export type Prepare = (path: string, file: FileFacts, signal: AbortSignal) => Promise<PreparedDocument>;

/** What the first stages need. */
export interface BuildParts {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly prepare: Prepare;
  /** Called after each change of the job that others may watch. */
  readonly onProgress: (jobId: string) => void;
}

const EXTRACTING: Progress = { stage: 'EXTRACTING', percentage: 1, summary: 'Reads the file' };
const CHUNKING: Progress = { stage: 'CHUNKING', percentage: 10, summary: 'Cuts the text into passages' };

/**
 * Takes the text out of the file and cuts it into passages, which are then rows of the version: found by nobody yet, and
 * what every later attempt goes on from. A passage that the active version has too keeps its id, and with it its vector.
 */
export async function buildVersion(parts: BuildParts, lease: Lease, signal: AbortSignal): Promise<void> {
  const { db, blobs } = parts;
  const show = async (progress: Progress): Promise<void> => {
    await reportProgress(db, lease, progress);
    parts.onProgress(lease.jobId);
  };
  await show(EXTRACTING);
  const version = await findVersion(db.fork(), lease.documentId, lease.documentVersion);
  const file = { name: version.fileName, declaredType: version.mediaType || undefined };
  const prepared = await blobs.withFile(version.contentHash, signal, (path) => parts.prepare(path, file, signal));
  if (prepared.chunks.length === 0) throw new DomainError('NO_TEXT_FOUND', `${file.name} holds no text.`);
  await show(CHUNKING);
  await storePrepared(db, lease, prepared, signal);
}

/**
 * The lease is checked last, right before the commit: it is renewed all the while, which a lock on the job would hold up. If
 * it was lost, so is all of this.
 */
async function storePrepared(
  db: Database,
  lease: Lease,
  prepared: PreparedDocument,
  signal: AbortSignal,
): Promise<void> {
  await db.transaction(
    async (em) => {
      const chunks = await withIds(em, lease, prepared.chunks);
      await insertChunks(em, lease, chunks);
      const fresh = chunks.filter(({ isStored }) => !isStored);
      await indexChunks(
        sqlOf(em),
        lease,
        fresh.map(({ id, lexicalText, language }) => ({ chunkId: id, lexicalText, language })),
      );
      await holdLease(em, lease);
      const version = await findVersion(em, lease.documentId, lease.documentVersion);
      version.chunkCount = chunks.length;
      version.quality = prepared.quality;
      version.language = prepared.language;
      version.title = storable(prepared.title ?? '');
    },
    { signal },
  );
}

/** The active version cannot change while the lease holds, so its passages can be referred to. */
async function withIds(em: Em, { documentId }: Lease, chunks: readonly Chunk[]): Promise<NewChunk[]> {
  const active = await activeVersionOf(em, documentId);
  const reusable = active === undefined ? new Map<string, string[]>() : await storedIdsByHash(em, active);
  return chunks.map((chunk) => {
    const id = reusable.get(chunk.hash)?.shift();
    return { ...chunk, id: id ?? newId(), isStored: id !== undefined };
  });
}
