import { expect, it } from '@jest/globals';
import type { Collection } from 'chromadb';
import { type ChromaPosition, scanRecords } from './chroma.scan.ts';

/** A collection that changes before each answer, as others write to it. */
function changing(ids: string[], change: (ids: string[]) => void): Pick<Collection, 'get'> {
  return {
    async get({ offset = 0, limit = 0 } = {}) {
      change(ids);
      const found = ids.slice(offset, offset + limit);
      const nothing = found.map(() => null);
      return { ids: found, embeddings: [], documents: nothing, metadatas: nothing, uris: nothing } as never;
    },
  };
}

async function scanAll(collection: Pick<Collection, 'get'>, pageSize: number): Promise<readonly string[]> {
  const seen: string[] = [];
  for (let position: ChromaPosition | undefined; ; ) {
    const { records, next } = await scanRecords(collection, { pageSize }, position);
    expect(records.length).toBeLessThanOrEqual(pageSize);
    seen.push(...records.map(({ id }) => id));
    if (next === null) return seen;
    position = next;
  }
}

it.each([
  ['one', 1, 50],
  ['as many as it remembers', 32, 50],
  ['more than it remembers', 45, 50],
  ['more than a page', 7, 3],
])(
  'a scan skips nothing while records are deleted before each of its reads: %s',
  async (_what, deletions, pageSize) => {
    const ids = Array.from({ length: 2_000 }, (_, n) => `r${n}`);
    const all = new Set(ids);
    const collection = changing(ids, (now) => {
      for (let n = 0; n < deletions; n++) all.delete(now.shift() ?? '');
    });
    const seen = await scanAll(collection, pageSize);
    expect([...all].filter((id) => !seen.includes(id))).toEqual([]);
  },
);

it('a scan of what nobody changes sees each record once', async () => {
  const ids = Array.from({ length: 2_000 }, (_, n) => `r${n}`);
  expect(
    await scanAll(
      changing([...ids], () => {}),
      100,
    ),
  ).toEqual(ids);
});

it('a scan sees what was there all the time once, and may see what was added', async () => {
  const ids = Array.from({ length: 500 }, (_, n) => `r${n}`);
  const was = [...ids];
  const collection = changing(ids, (now) => now.push(`new ${now.length}`));
  const seen = await scanAll(collection, 100);
  expect(seen.filter((id) => id.startsWith('r'))).toEqual(was);
});

it('a scan whose last records are all gone starts over', async () => {
  const ids = Array.from({ length: 300 }, (_, n) => `r${n}`);
  const collection = changing(ids, () => {});
  const { next } = await scanRecords(collection, { pageSize: 100 }, undefined);
  ids.splice(60, 40);
  const { records } = await scanRecords(collection, { pageSize: 300 }, next ?? undefined);
  expect(records).toHaveLength(260);
});
