import { access, constants, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '@morag/errors';
import type { BlobStore, StoredBlob } from './blob-store.ts';
import { sweepFolder, writeStagingFile } from './staging-file.ts';

const HASH = /^[0-9a-f]{64}$/;

/**
 * Contents as files `<root>/<first two of the hash>/<hash>`. They are written to `<root>/.staging` first, on the same file
 * system, and appear under their hash by an atomic rename: a file under a hash is always whole.
 */
export async function createFileBlobStore(root: string): Promise<BlobStore> {
  const staging = join(root, '.staging');
  await mkdir(staging, { recursive: true, mode: 0o700 });
  const pathOf = (hash: string): string => {
    if (!HASH.test(hash)) throw new Error(`not a SHA-256: ${hash}`);
    return join(root, hash.slice(0, 2), hash);
  };

  return {
    async stage(content, bytesMax, signal) {
      const path = join(staging, crypto.randomUUID());
      const written = await writeStagingFile(path, content, bytesMax, signal);
      return {
        ...written,
        // Also over a file that is there already: the new one is as good, and its age is what keeps it from `removeOlder`.
        commit: () => moveInto(path, pathOf(written.hash)),
        discard: () => rm(path, { force: true }),
      };
    },
    async withFile(hash, _signal, use) {
      const path = pathOf(hash);
      if (!(await exists(path))) {
        throw new DomainError('UNREADABLE_FILE', 'The content of the file is no longer kept.', { metadata: { hash } });
      }
      return await use(path);
    },
    list: () => listBlobs(root),
    removeOlder: (hash, cutoff) => removeOlder(pathOf(hash), join(staging, `${hash}.${crypto.randomUUID()}`), cutoff),
    sweep: (cutoff) => sweepFolder(staging, cutoff),
    check: () => access(staging, constants.W_OK),
  };
}

async function moveInto(from: string, to: string): Promise<void> {
  const folder = join(to, '..');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rename(from, to);
  // The name itself is durable only once its folder is.
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* listBlobs(root: string): AsyncGenerator<StoredBlob> {
  for (const folder of await readdir(root)) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    for (const hash of await readdir(join(root, folder))) {
      if (!HASH.test(hash)) continue;
      const info = await statIfThere(join(root, folder, hash));
      if (info) yield { hash, committedAt: info.mtime };
    }
  }
}

/**
 * The file is moved away before its age is read for the last time: an upload of the same content that comes in between
 * either renews the file, which is then put back, or writes one of its own. Neither is lost.
 */
async function removeOlder(path: string, trash: string, cutoff: Date): Promise<boolean> {
  const info = await statIfThere(path);
  if (info === undefined || info.mtime >= cutoff) return false;
  const isMine = await rename(path, trash).then(() => true, ifGone(false));
  if (!isMine) return false;
  const isRenewed = (await stat(trash)).mtime >= cutoff;
  if (isRenewed) await link(trash, path).catch(ignoreExisting);
  await rm(trash, { force: true });
  return !isRenewed;
}

/** Another instance may have removed the file a moment ago. */
function ifGone<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

async function statIfThere(path: string): Promise<{ mtime: Date } | undefined> {
  return stat(path).catch(ifGone(undefined));
}

async function exists(path: string): Promise<boolean> {
  return (await statIfThere(path)) !== undefined;
}
