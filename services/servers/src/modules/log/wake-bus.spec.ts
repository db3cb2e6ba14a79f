import { expect, it } from '@jest/globals';
import { createLogger } from '@morag/telemetry';
import { createTestDatabase } from '@morag/testing';
import pg from 'pg';
import { createWakeBus } from './wake-bus.ts';

const logger = createLogger({ level: 'silent', service: 'servers' });

it('stops also while it connects, and leaves no connection behind', async () => {
  const database = await createTestDatabase('wake');
  const client = new pg.Client({ connectionString: database.url });
  const ended = new Promise((resolve) => client.once('end', () => resolve('ended')));
  const connected = Promise.withResolvers<pg.Client>();
  const db = { read: async () => [] };
  const bus = createWakeBus({ channel: 'wake', db, connect: () => connected.promise, logger });
  bus.start(() => {});
  const stopped = bus.stop();
  await client.connect();
  connected.resolve(client);
  await stopped;
  expect(await ended).toBe('ended');
  await database.drop();
});
