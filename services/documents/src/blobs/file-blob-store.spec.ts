import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BlobStore } from './blob-store.ts';
import { collectGarbage } from './collect-garbage.ts';
import { createFileBlobStore } from './file-blob-store.ts';

const signal = new AbortController().signal;
const LIMIT = 1024 * 1024;
let root: string;
let blobs: BlobStore;

async function* pieces(...contents: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* contents;
}

async function keep(content: Uint8Array): Promise<string> {
  const staged = await blobs.stage(pieces(content), LIMIT, signal);
  await staged.commit();
  return staged.hash;
}

const pathOf = (hash: string): string => join(root, hash.slice(0, 2), hash);
const read = (hash: string): Promise<Buffer> => blobs.withFile(hash, signal, (path) => readFile(path));
const stagingFiles = (): Promise<string[]> => readdir(join(root, '.staging'));

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'morag-blobs-'));
  blobs = await createFileBlobStore(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('file blob store', () => {
  it('keeps a streamed content under its SHA-256', async () => {
    const [a, b] = [randomBytes(100_000), randomBytes(70_000)];
    const staged = await blobs.stage(pieces(a, b), LIMIT, signal);
    const whole = Buffer.concat([a, b]);
    expect(staged).toMatchObject({ hash: createHash('sha256').update(whole).digest('hex'), sizeBytes: 170_000 });
    expect(Buffer.compare(Buffer.from(staged.head), whole.subarray(0, 65_536))).toBe(0);
    await staged.commit();
    expect(await read(staged.hash)).toEqual(whole);
    expect(await stagingFiles()).toEqual([]);
  });

  it('refuses a content over the limit and leaves nothing', async () => {
    const stage = blobs.stage(pieces(randomBytes(60), randomBytes(60)), 100, signal);
    await expect(stage).rejects.toMatchObject({ reason: 'FILE_TOO_LARGE' });
    expect(await stagingFiles()).toEqual([]);
  });

  it('leaves nothing of an upload that breaks off or is discarded', async () => {
    const broken = (async function* () {
      yield randomBytes(10);
      throw new Error('connection lost');
    })();
    await expect(blobs.stage(broken, LIMIT, signal)).rejects.toThrow('connection lost');
    await (await blobs.stage(pieces(randomBytes(10)), LIMIT, signal)).discard();
    expect(await stagingFiles()).toEqual([]);
  });

  it('sweeps what dead uploads left, but no upload that is under way', async () => {
    await blobs.stage(pieces(randomBytes(10)), LIMIT, signal);
    const [dead] = await stagingFiles();
    await utimes(join(root, '.staging', dead ?? ''), new Date(0), new Date(0));
    const alive = await blobs.stage(pieces(randomBytes(10)), LIMIT, signal);
    expect(await blobs.sweep(new Date(Date.now() - 60_000))).toBe(1);
    await alive.commit();
    expect(await read(alive.hash)).toHaveLength(10);
  });

  it('says that a content is gone', async () => {
    await expect(read('0'.repeat(64))).rejects.toMatchObject({ reason: 'UNREADABLE_FILE' });
  });

  it('never takes a hash for a path', async () => {
    await expect(read('../../etc/passwd')).rejects.toThrow('not a SHA-256');
  });
});

describe('collectGarbage', () => {
  it('removes old contents that nobody names, and keeps named and fresh ones', async () => {
    const [named, garbage, fresh] = [
      await keep(randomBytes(8)),
      await keep(randomBytes(8)),
      await keep(randomBytes(8)),
    ];
    for (const hash of [named, garbage]) await utimes(pathOf(hash), new Date(0), new Date(0));
    const unreferenced = async (hashes: readonly string[]) => hashes.filter((hash) => hash !== named);
    expect(await collectGarbage({ blobs, unreferenced }, new Date(Date.now() - 60_000), signal)).toBe(1);
    expect(await read(named)).toHaveLength(8);
    expect(await read(fresh)).toHaveLength(8);
    await expect(read(garbage)).rejects.toMatchObject({ reason: 'UNREADABLE_FILE' });
  });

  it('spares a content that is uploaded again while it is being judged', async () => {
    const content = randomBytes(8);
    const hash = await keep(content);
    await utimes(pathOf(hash), new Date(0), new Date(0));
    const unreferenced = async (hashes: readonly string[]) => {
      await keep(content);
      return hashes;
    };
    expect(await collectGarbage({ blobs, unreferenced }, new Date(Date.now() - 60_000), signal)).toBe(0);
    expect(await read(hash)).toHaveLength(8);
  });
});
