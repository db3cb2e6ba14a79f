import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createOrm, type Database } from '@morag/orm';
import { createWindBackStore } from '../src/modules/placement/wind-back.store.ts';
import { schema } from '../src/schema.ts';
import { newDatabase } from './data.ts';
import { type Harness, startServers } from './harness.ts';

let harness: Harness;
let db: Database;

beforeAll(async () => {
  harness = await startServers();
  db = await createOrm({ ...schema, service: 'test', url: harness.databaseUrl, pool: { size: 2, overflow: 2 } });
});

afterAll(async () => {
  await db.close();
  await harness.close();
});

it('a wind-back voids what was confirmed beyond it, so that the next one goes as far', async () => {
  const { placementId, serverId, memory } = await newDatabase(harness, await harness.newUser());
  // Nobody applies the log meanwhile.
  memory.down = 'unavailable';
  const confirmed = (checkpointAt: string): Promise<unknown> =>
    db.write(
      `update placements set applied_seq = 5, applied_at = now(), checkpoint_at = ${checkpointAt} where id = $1`,
      [placementId],
    );
  const applied = async (): Promise<number> => {
    const [row] = await db.read<{ applied_seq: bigint }>('select applied_seq from placements where id = $1', [
      placementId,
    ]);
    return Number(row?.applied_seq);
  };
  await db.write('update placements set checkpoint_seq = 0, checkpoint_next = 4 where id = $1', [placementId]);
  await confirmed('now()');
  const { windBack } = createWindBackStore(db);
  expect(await windBack(serverId)).toMatchObject([{ placementId }]);
  expect(await applied()).toBe(0);
  // Long afterwards, and before there was a new checkpoint, the server stops once more.
  await confirmed("now() - interval '1 hour'");
  await windBack(serverId);
  expect(await applied()).toBe(0);
});
