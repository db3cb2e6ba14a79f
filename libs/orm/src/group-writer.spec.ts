import { expect, it } from '@jest/globals';
import { createGroupWriter } from './group-writer.ts';

it('writes what comes meanwhile together, in order, and at most so many', async () => {
  const batches: number[][] = [];
  const writer = createGroupWriter<number>(3, async (items) => void batches.push([...items]));
  await Promise.all([1, 2, 3, 4, 5, 6].map((n) => writer.write(n)));
  expect(batches).toEqual([[1], [2, 3, 4], [5, 6]]);
  await writer.idle();
});

it('fails those alone that were in the batch that failed', async () => {
  let failures = 1;
  const writer = createGroupWriter<number>(1, async () => {
    if (failures-- > 0) throw new Error('away');
  });
  const results = await Promise.allSettled([writer.write(1), writer.write(2)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});
