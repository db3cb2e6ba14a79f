import type { Embedder } from '@morag/embedder';
import { DomainError } from '@morag/errors';
import type { Database } from '@morag/orm';
import type { BlobStore } from '../../blobs/blob-store.ts';
import { detectType } from '../../extract/detect-type.ts';
import type { JobQueue } from '../../ingest/job-queue.ts';
import type { Acting } from '../../servers/servers.port.ts';
import { type PushParts, pushCounts } from '../count/push-counts.ts';
import type { JobBus } from '../job/job.bus.ts';
import type { QuotaLimits } from '../quota/document-quotas.ts';
import { acceptUpload } from './accept-upload.ts';
import { readDocument } from './document.store.ts';
import type { DocumentView } from './document.view.ts';
import { requireMetadata, requireName } from './document-fields.ts';
import { requireSameEmbedding } from './embedding-identity.ts';

/** What an upload needs. */
export interface UploadParts extends PushParts {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly queue: JobQueue;
  readonly bus: JobBus;
  readonly embedder: Embedder;
  readonly uploadBytesMax: number;
  readonly quotas: QuotaLimits;
}

/** What is said about a file before its content. */
export interface UploadInput {
  readonly databaseId: string;
  readonly name: string;
  readonly metadata: Record<string, unknown>;
  /** As the sender sees it; empty when it says nothing. */
  readonly mediaType: string;
}

/**
 * Keeps a file and starts the job that ingests it. Nothing is kept of a file that is refused. The content is durable before
 * the rows that name it, and document, version, job and queue entry come in one transaction.
 */
export async function uploadDocument(
  parts: UploadParts,
  input: UploadInput,
  content: AsyncIterable<Uint8Array>,
  acting: Acting,
  signal: AbortSignal,
): Promise<DocumentView> {
  requireName(input.name, 'name');
  const metadata = requireMetadata(input.metadata, 'metadata');
  const database = await parts.servers.database(input.databaseId, acting, signal);
  requireSameEmbedding(database, parts.embedder);
  const blob = await parts.blobs.stage(content, parts.uploadBytesMax, signal);
  const accepted = await (async () => {
    try {
      if (blob.sizeBytes === 0) throw new DomainError('EMPTY_FILE', `${input.name} is empty.`);
      const type = await detectType(blob.head, input.name, input.mediaType || undefined);
      await blob.commit();
      const target = { database, embedder: parts.embedder, quotas: parts.quotas };
      const upload = { ...input, metadata, type, contentHash: blob.hash, sizeBytes: BigInt(blob.sizeBytes) };
      return await parts.db.transaction((em) => acceptUpload(em, parts.queue, target, upload), { signal });
    } finally {
      await blob.discard();
    }
  })();
  for (const jobId of accepted.changedJobs) parts.bus.changed(jobId);
  parts.bus.ready();
  if (accepted.isNew) await pushCounts(parts, database.id);
  return readDocument(parts.db, accepted.documentId, {});
}
