import { countChunks } from '../modules/document/chunk.store.ts';
import { requireSameEmbedding, requireSameModelAsBefore } from '../modules/document/embedding-identity.ts';
import { type Lease, reportProgress } from '../modules/job/lease.store.ts';
import { activateVersion } from './activate-version.ts';
import { type BuildParts, buildVersion } from './build-version.ts';
import { storeVectors, type VectorParts } from './store-vectors.ts';

/** What an ingestion needs. */
export interface IngestParts extends BuildParts, VectorParts {}

const CHECK_MS_MAX = 10_000;

/**
 * Does a job under its lease, from the last stage that an earlier attempt finished: file → passages → vectors → search.
 * Throws what went wrong; LEASE_LOST when the job is no longer this worker's.
 */
export async function ingestDocument(parts: IngestParts, lease: Lease, signal: AbortSignal): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS_MAX)]);
  const database = await parts.servers.database(lease.databaseId, await parts.actFor(lease.ownerId), bounded);
  requireSameEmbedding(database, parts.embedder);
  await requireSameModelAsBefore(parts.db, lease.databaseId, parts.embedder);
  const { total } = await countChunks(parts.db, lease.versionId);
  if (total === 0) await buildVersion(parts, lease, signal);
  await storeVectors(parts, lease, signal);
  await reportProgress(parts.db, lease, { stage: 'ACTIVATING', percentage: 95, summary: 'Switches the version' });
  parts.onProgress(lease.jobId);
  await activateVersion(parts.db, lease, signal);
}
