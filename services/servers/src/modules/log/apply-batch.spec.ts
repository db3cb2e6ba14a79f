import { describe, expect, it } from '@jest/globals';
import { MemoryServer } from '../../../test/memory-server.ts';
import { applyBatch } from './apply-batch.ts';

/** Applies so many records to a server that takes 1,000 at a time, and answers how many each call had. */
async function sizesOf(count: number, recordsMax?: number): Promise<readonly number[]> {
  const server = new MemoryServer();
  server.capabilities = { ...server.capabilities, maxBatchRecords: 1_000 };
  const connector = server.open();
  await connector.createCollection({ name: 'c', dimension: 2, metric: 'cosine' }, {});
  const upserts = Array.from({ length: count }, (_, n) => ({ id: `r${n}`, vector: Float32Array.of(1, n) }));
  const target = { connector, collection: 'c', callOptions: () => ({}), recordsMax };
  await applyBatch(target, { upserts, deletes: [], through: 1 });
  return server.upserts;
}

describe('applyBatch', () => {
  it.each([
    [1, [1]],
    [199, [199]],
    [200, [100, 100]],
    [350, [117, 117, 116]],
    [2_000, [500, 500, 500, 500]],
    [4_001, [1_000, 1_000, 1_000, 1_000, 1]],
  ])('shares %i records evenly between a few calls of a size that is worth one', async (records, sizes) => {
    expect(await sizesOf(records)).toEqual(sizes);
  });

  it('sends no more at a time than the server manages', async () => {
    expect(await sizesOf(500, 60)).toEqual([60, 60, 60, 60, 60, 60, 60, 60, 20]);
  });
});
