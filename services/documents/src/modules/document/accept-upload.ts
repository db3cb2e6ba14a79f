import type { Embedder } from '@morag/embedder';
import { type Em, newId } from '@morag/orm';
import type { DocumentType } from '../../extract/block.ts';
import type { JobQueue } from '../../ingest/job-queue.ts';
import type { TargetDatabase } from '../../servers/servers.port.ts';
import { claimEmbedding, countDocuments, lockCounter } from '../count/counter.store.ts';
import { cancelOpenJobs, discardVersion } from '../job/end-jobs.ts';
import { Job } from '../job/job.entity.ts';
import { hasEnded } from '../job/job.state.ts';
import { lockJob } from '../job/job.store.ts';
import { type RequeueParts, requeueJob } from '../job/requeue-job.ts';
import { holdQuotas, type QuotaLimits } from '../quota/document-quotas.ts';
import { Document } from './document.entity.ts';
import { nextDocumentState } from './document.state.ts';
import { findVersion, lockDocumentByName, setFailure } from './document.store.ts';
import { DocumentVersion } from './document-version.entity.ts';
import { nameOfModel, requireModel } from './embedding-identity.ts';

/** A file that was received and recognised. */
export interface ReceivedFile {
  readonly name: string;
  readonly type: DocumentType;
  readonly mediaType: string;
  readonly metadata: Record<string, unknown>;
  readonly contentHash: string;
  readonly sizeBytes: bigint;
}

/** What an upload did. */
export interface AcceptedUpload {
  readonly documentId: string;
  readonly isNew: boolean;
  readonly changedJobs: readonly string[];
}

/**
 * Makes of a received file a document, or the next version of the one that has its name in the database. Under the lock of
 * the database's counter, so that uploads of one name come one after the other.
 */
export async function acceptUpload(
  em: Em,
  queue: JobQueue,
  target: { readonly database: TargetDatabase; readonly embedder: Embedder; readonly quotas: QuotaLimits },
  file: ReceivedFile,
): Promise<AcceptedUpload> {
  const { database, embedder, quotas } = target;
  const bytes = Number(file.sizeBytes);
  await lockCounter(em, database.id, database.ownerId);
  requireModel(await claimEmbedding(em, database.id, nameOfModel(embedder)), embedder);
  const document = await lockDocumentByName(em, database.id, file.name);
  if (document === null) {
    await holdQuotas(em, quotas, database.ownerId, { documents: 1, bytes, jobs: 1 });
    const created = createDocument(em, database, file);
    await countDocuments(em, database.id, 1);
    const jobId = await createJob(em, queue, created, file);
    return { documentId: created.id, isNew: true, changedJobs: [jobId] };
  }
  if (document.contentHash === file.contentHash) {
    const restarted = await restartIfFailed(em, { queue, quotas }, document);
    return { documentId: document.id, isNew: false, changedJobs: restarted };
  }
  document.state = nextDocumentState(document.state, 'upload');
  const superseded = await cancelOpenJobs(em, document, 'A newer version was uploaded');
  // A version that failed keeps what it had finished, for another try; there will be none now.
  const previous = await findVersion(em, document.id, document.latestVersion);
  if (previous.id !== document.activeVersionId) await discardVersion(em, document, previous.id, false);
  await holdQuotas(em, quotas, document.ownerId, { bytes, jobs: 1 });
  document.latestVersion += 1;
  // Before the first ingestion the document shows the version that is coming.
  if (document.activeVersionId == null) document.documentVersion = document.latestVersion;
  document.contentHash = file.contentHash;
  document.sizeBytes = file.sizeBytes;
  document.type = file.type;
  document.uploadedAt = new Date();
  if (Object.keys(file.metadata).length > 0) document.metadata = file.metadata;
  setFailure(document, null);
  const jobId = await createJob(em, queue, document, file);
  return { documentId: document.id, isNew: false, changedJobs: [...superseded, jobId] };
}

function createDocument(em: Em, database: TargetDatabase, file: ReceivedFile): Document {
  return em.create(Document, {
    id: newId(),
    ownerId: database.ownerId,
    databaseId: database.id,
    name: file.name,
    type: file.type,
    state: 'PENDING',
    documentVersion: 1,
    latestVersion: 1,
    contentHash: file.contentHash,
    sizeBytes: file.sizeBytes,
    metadata: file.metadata,
    uploadedAt: new Date(),
  });
}

async function createJob(em: Em, queue: JobQueue, document: Document, file: ReceivedFile): Promise<string> {
  const version = em.create(DocumentVersion, {
    id: newId(),
    documentId: document.id,
    number: document.latestVersion,
    state: 'BUILDING',
    contentHash: file.contentHash,
    sizeBytes: file.sizeBytes,
    fileName: file.name,
    mediaType: file.mediaType,
  });
  const job = em.create(Job, {
    id: newId(),
    ownerId: document.ownerId,
    documentId: document.id,
    versionId: version.id,
    databaseId: document.databaseId,
    documentName: document.name,
    documentType: file.type,
    documentVersion: version.number,
    status: 'PENDING',
    summary: 'Waits for a worker',
  });
  document.jobId = job.id;
  await queue.send(em, job.id, { priority: job.priority });
  return job.id;
}

/** The same content changes nothing, but if it could not be ingested then, whoever brings it again wants it tried again. */
async function restartIfFailed(em: Em, parts: RequeueParts, document: Document): Promise<readonly string[]> {
  const version = await findVersion(em, document.id, document.latestVersion);
  if (version.state !== 'FAILED' || document.jobId == null) return [];
  const job = await lockJob(em, document.jobId);
  if (!hasEnded(job.status)) return [];
  await requeueJob(em, parts, document, job);
  return [job.id];
}
