import { createSecretKey, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Database, openServiceDatabase } from '@morag/orm';
import { createLogger } from '@morag/telemetry';
import { createTestDatabase, fixedClock } from '@morag/testing';
import { schema } from '../../schema.ts';
import { RevocationPublisher } from './revocation-publisher.ts';

const logger = createLogger({ level: 'silent', service: 'identity' });
const UNAVAILABLE = { reason: 'UNAVAILABLE' };

let test: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;

beforeAll(async () => {
  test = await createTestDatabase('identity');
  const config = { url: test.url, dedicated: false, autoMigrate: true, echo: false, pool: { size: 1, overflow: 1 } };
  db = await openServiceDatabase({ config, definition: schema, rootKey: createSecretKey(randomBytes(32)), logger });
});

afterAll(async () => {
  await db.close();
  await test.drop();
});

it('tells nobody that nothing was revoked while it does not know', async () => {
  const clock = fixedClock();
  const publisher = new RevocationPublisher(db, logger, clock.now);
  const { signal } = new AbortController();
  expect(publisher.feed.isFresh()).toBe(false);
  await expect(publisher.watch(signal).next()).rejects.toMatchObject(UNAVAILABLE);

  await publisher.publish();
  expect(publisher.feed.isFresh()).toBe(true);
  const stream = publisher.watch(signal);
  expect(await stream.next()).toMatchObject({ value: { revocations: [], snapshotComplete: true } });
  clock.advance(10_001);
  expect(publisher.feed.isFresh()).toBe(false);
  await expect(stream.next()).rejects.toMatchObject(UNAVAILABLE);

  await publisher.publish();
  expect(await publisher.watch(signal).next()).toMatchObject({ value: { snapshotComplete: true } });
});
