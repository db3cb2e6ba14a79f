import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BlobStore } from './blob-store.ts';
import { createFileBlobStore } from './file-blob-store.ts';
import { readS3Location } from './s3-location.ts';

/** The store that `MORAG_BLOB_URL` names, or else a folder of the data directory. */
export async function createBlobStore(config: { blobUrl?: string; dataDir: string }): Promise<BlobStore> {
  if (config.blobUrl === undefined) return createFileBlobStore(join(config.dataDir, 'blobs'));
  const url = new URL(config.blobUrl);
  if (url.protocol === 'file:') return createFileBlobStore(fileURLToPath(url));
  const location = readS3Location(url);
  // Loaded when it is needed: the SDK costs memory and time, and most installations keep files.
  const { createS3BlobStore } = await import('./s3-blob-store.ts');
  return createS3BlobStore(location, join(config.dataDir, 'blobs', '.staging'));
}
