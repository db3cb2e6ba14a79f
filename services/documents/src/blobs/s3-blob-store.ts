import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, constants, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  NoSuchKey,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { DomainError } from '@morag/errors';
import { type BlobStore, GARBAGE_AGE_MS, type StoredBlob } from './blob-store.ts';
import type { S3Location } from './s3-location.ts';
import { sweepFolder, writeStagingFile } from './staging-file.ts';

const HASH = /^[0-9a-f]{64}$/;
/** Between a content's commit and that of the rows that name it lies far less. */
const RENEWED_AFTER_MS = GARBAGE_AGE_MS / 2;
/** Of one request that answers at once, in milliseconds. */
const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 60_000 };

interface Copy {
  readonly key: string;
  readonly committedAt: Date;
}

/**
 * Contents as objects `<prefix><hash>/<uuid>`: S3 cannot remove an object on condition of its age, so a commit that comes
 * while the same content is being removed must write a key of its own. One commit within half the age of garbage serves
 * for all that follow, so there is hardly ever more than one copy. Uploads are received in the folder `staging` first.
 */
export async function createS3BlobStore({ bucket, prefix, ...at }: S3Location, staging: string): Promise<BlobStore> {
  const reading = join(staging, 'reading');
  await mkdir(reading, { recursive: true, mode: 0o700 });
  const client = new S3Client({ ...at, forcePathStyle: at.endpoint !== undefined, requestHandler: TIMEOUTS });

  const folderOf = (hash: string): string => {
    if (!HASH.test(hash)) throw new Error(`not a SHA-256: ${hash}`);
    return `${prefix}${hash}/`;
  };
  const copiesOf = (hash: string): Promise<readonly Copy[]> => listCopies(client, bucket, folderOf(hash));
  const remove = async (copies: readonly Copy[]): Promise<void> => {
    if (copies.length === 0) return;
    const Objects = copies.map(({ key }) => ({ Key: key }));
    await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }));
  };
  const keep = async (hash: string, path: string): Promise<void> => {
    const renewalDue = new Date(Date.now() - RENEWED_AFTER_MS);
    const copies = await copiesOf(hash);
    if (copies.some(({ committedAt }) => committedAt > renewalDue)) return;
    const Key = `${folderOf(hash)}${crypto.randomUUID()}`;
    await new Upload({ client, params: { Bucket: bucket, Key, Body: createReadStream(path) } }).done();
    await remove(copies);
  };

  return {
    async stage(content, bytesMax, signal) {
      const path = join(staging, crypto.randomUUID());
      const written = await writeStagingFile(path, content, bytesMax, signal);
      const discard = (): Promise<void> => rm(path, { force: true });
      return { ...written, discard, commit: () => keep(written.hash, path).then(discard) };
    },
    async withFile(hash, signal, use) {
      const path = join(reading, crypto.randomUUID());
      try {
        await download(client, bucket, { hash, copies: () => copiesOf(hash), path, signal });
        return await use(path);
      } finally {
        await rm(path, { force: true });
      }
    },
    list: (signal) => listBlobs(client, bucket, prefix, signal),
    async removeOlder(hash, cutoff) {
      const copies = await copiesOf(hash);
      if (copies.length === 0 || copies.some(({ committedAt }) => committedAt >= cutoff)) return false;
      await remove(copies);
      return true;
    },
    async sweep(cutoff) {
      // A file that is read does not grow, however long that takes.
      const dead = new Date(cutoff.getTime() - GARBAGE_AGE_MS);
      return (await sweepFolder(staging, cutoff)) + (await sweepFolder(reading, dead));
    },
    async check() {
      await access(staging, constants.W_OK);
      await client.send(new HeadBucketCommand({ Bucket: bucket }));
    },
  };
}

async function listCopies(client: S3Client, bucket: string, folder: string): Promise<readonly Copy[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: folder }));
  return Contents.map(({ Key: key = '', LastModified: committedAt = new Date() }) => ({ key, committedAt }));
}

interface Download {
  readonly hash: string;
  readonly copies: () => Promise<readonly Copy[]>;
  readonly path: string;
  readonly signal: AbortSignal;
}

/** Writes a content to a file, once more when the copy was replaced by a newer one just now. */
async function download(client: S3Client, bucket: string, wanted: Download, isRepeated = false): Promise<void> {
  const { hash, copies, path, signal } = wanted;
  const [copy] = await copies();
  if (!copy) throw unreadable('The content of the file is no longer kept.', hash);
  try {
    const request = new GetObjectCommand({ Bucket: bucket, Key: copy.key });
    const { Body } = await client.send(request, { abortSignal: signal });
    const digest = createHash('sha256');
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        digest.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(Body as Readable, hashing, createWriteStream(path, { mode: 0o600 }), { signal });
    if (digest.digest('hex') !== hash) throw unreadable('The content of the file was changed where it is kept.', hash);
  } catch (error) {
    if (error instanceof NoSuchKey && !isRepeated) return download(client, bucket, wanted, true);
    throw error;
  }
}

/** Keys come in order, so the copies of one content come together; the newest says when it was last committed. */
async function* listBlobs(
  client: S3Client,
  bucket: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<StoredBlob> {
  let last: StoredBlob | undefined;
  let ContinuationToken: string | undefined;
  do {
    const request = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken });
    const page = await client.send(request, { abortSignal: signal });
    for (const { Key = '', LastModified: committedAt = new Date() } of page.Contents ?? []) {
      const [hash = ''] = Key.slice(prefix.length).split('/');
      if (!HASH.test(hash)) continue;
      if (last && last.hash !== hash) yield last;
      const isNewest = last?.hash !== hash || last.committedAt < committedAt;
      if (isNewest) last = { hash, committedAt };
    }
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
  if (last) yield last;
}

function unreadable(message: string, hash: string): DomainError {
  return new DomainError('UNREADABLE_FILE', message, { metadata: { hash } });
}
