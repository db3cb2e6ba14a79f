import { createHash } from 'node:crypto';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '@morag/errors';
import { HEAD_BYTES } from './blob-store.ts';

/** What was written to a staging file. */
export interface StagingFile {
  readonly hash: string;
  readonly sizeBytes: number;
  readonly head: Uint8Array;
}

/** Writes a content to a new file, hashing as it goes, and syncs it to the disk. No file stays when it fails. */
export async function writeStagingFile(
  path: string,
  content: AsyncIterable<Uint8Array>,
  bytesMax: number,
  signal: AbortSignal,
): Promise<StagingFile> {
  const hash = createHash('sha256');
  const head: Uint8Array[] = [];
  let sizeBytes = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const piece of content) {
      signal.throwIfAborted();
      if (sizeBytes < HEAD_BYTES) head.push(piece.subarray(0, HEAD_BYTES - sizeBytes));
      sizeBytes += piece.byteLength;
      if (sizeBytes > bytesMax) throw tooLarge(bytesMax);
      hash.update(piece);
      await file.writeFile(piece);
    }
    signal.throwIfAborted();
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
  await file.close();
  return { hash: hash.digest('hex'), sizeBytes, head: Buffer.concat(head) };
}

/** Removes the files of a folder that were last written before `cutoff`; says how many. */
export async function sweepFolder(folder: string, cutoff: Date): Promise<number> {
  let swept = 0;
  for (const { name, parentPath } of (await readdir(folder, { withFileTypes: true })).filter((each) => each.isFile())) {
    const path = join(parentPath, name);
    // Undefined: its upload ended a moment ago.
    const info = await stat(path).catch(() => undefined);
    if (info === undefined || info.mtime >= cutoff) continue;
    await rm(path, { force: true });
    swept += 1;
  }
  return swept;
}

function tooLarge(bytesMax: number): DomainError {
  return new DomainError('FILE_TOO_LARGE', `The file is larger than ${bytesMax} bytes.`, {
    metadata: { bytesMax: String(bytesMax) },
  });
}
