import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '@morag/config';
import type { BlobStore } from './blob-store.ts';
import { createFileBlobStore } from './file-blob-store.ts';

/** The store that `MORAG_BLOB_URL` names, or else a folder of the data directory. */
export async function createBlobStore(config: { blobUrl?: string; dataDir: string }): Promise<BlobStore> {
  if (config.blobUrl === undefined) return createFileBlobStore(join(config.dataDir, 'blobs'));
  const url = new URL(config.blobUrl);
  if (url.protocol === 'file:') return createFileBlobStore(fileURLToPath(url));
  throw new ConfigError([`MORAG_BLOB_URL: ${url.protocol}// is not available in this version; use file://`]);
}
