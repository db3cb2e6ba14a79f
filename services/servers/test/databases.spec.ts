import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConnectorError } from '@morag/connectors-core';
import { Database_Metric, Placement_Role, Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { Server_DatabaseType } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { eventually } from '@morag/testing';
import { newDatabase, newServer, record, refusal } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';

let harness: Harness;
let alice: Caller;
let bob: Caller;

beforeAll(async () => {
  harness = await startServers();
  [alice, bob] = [await harness.newUser(), await harness.newUser()];
});

afterAll(() => harness.close());

describe('a new database', () => {
  it('has a collection, and a primary that is in sync', async () => {
    const { serverId, memory } = await newServer(harness, alice);
    const database = { name: 'docs', dimension: 3, serverId, embedding: { provider: 'local', model: 'm' } };
    const made = await harness.databases.createDatabase({ database }, alice.as);
    expect(made).toMatchObject({ ...database, metric: Database_Metric.COSINE, documentCount: 0, headSequence: 0n });
    expect(made.collection).toMatch(/^morag_[0-9a-f]{16}$/);
    expect([...memory.collections.keys()]).toEqual([made.collection]);
    const { placements } = await harness.databases.listPlacements({ databaseId: made.id }, alice.as);
    expect(placements).toMatchObject([
      { serverId, role: Placement_Role.PRIMARY, state: Placement_State.IN_SYNC, lag: 0, quarantinedCount: 0 },
    ]);
    const placementId = placements[0]?.id ?? '';
    expect((await harness.databases.getPlacement({ databaseId: made.id, placementId }, alice.as)).id).toBe(placementId);
    expect(await harness.databases.getDatabase({ databaseId: made.id }, alice.as)).toEqual(made);
    expect((await harness.databases.listDatabases({ filter: 'name = "docs"' }, alice.as)).databases).toEqual([made]);
  });

  it('has a name that is its owner’s only once, also for fifty who try at once', async () => {
    const { serverId } = await newServer(harness, alice);
    const database = { name: randomUUID(), dimension: 3, serverId };
    const calls = Array.from({ length: 50 }, () => refusal(harness.databases.createDatabase({ database }, alice.as)));
    const reasons = (await Promise.all(calls)).map(({ reason }) => reason ?? 'made');
    expect(reasons.filter((reason) => reason === 'made')).toHaveLength(1);
    expect(reasons.filter((reason) => reason === 'DATABASE_EXISTS')).toHaveLength(49);
  });

  it('is refused where it does not fit', async () => {
    const { serverId, memory } = await newServer(harness, alice);
    const inactive = await harness.servers.createServer(
      { server: { name: randomUUID(), type: 4, host: '127.0.0.1', port: 1234 } },
      alice.as,
    );
    const attempt = (overrides: object, owner = alice) =>
      refusal(
        harness.databases.createDatabase(
          { database: { name: randomUUID(), dimension: 3, serverId, ...overrides } },
          owner.as,
        ),
      );
    expect(await attempt({ dimension: 65 })).toEqual({
      reason: 'UNSUPPORTED_BY_SERVER',
      fields: ['database.dimension'],
    });
    expect(await attempt({ metric: Database_Metric.DOT })).toMatchObject({ reason: 'UNSUPPORTED_BY_SERVER' });
    expect(await attempt({ dimension: 0 })).toMatchObject({ fields: ['database.dimension'] });
    expect(await attempt({ serverId: inactive.id })).toMatchObject({ reason: 'SERVER_INACTIVE' });
    expect(await attempt({}, bob)).toMatchObject({ reason: 'SERVER_NOT_FOUND' });
    expect(await attempt({ collection: 'mine' })).toEqual({ fields: [] });
    expect(await attempt({ collection: 'mine' })).toMatchObject({ reason: 'COLLECTION_IN_USE' });
    memory.collections.set('theirs', {
      spec: { name: 'theirs', dimension: 3, metric: 'cosine' },
      records: new Map([['a', { id: 'a' }]]),
    });
    expect(await attempt({ collection: 'theirs' })).toMatchObject({ reason: 'COLLECTION_IN_USE' });
    expect(memory.collections.get('theirs')?.records.size).toBe(1);
  });

  it('leaves nothing behind when its server fails', async () => {
    const { serverId, memory } = await newServer(harness, alice);
    const database = { name: randomUUID(), dimension: 3, serverId };
    memory.down = 'unavailable';
    expect((await refusal(harness.databases.createDatabase({ database }, alice.as))).reason).toBe('SERVER_UNREACHABLE');
    memory.down = undefined;
    expect(await refusal(harness.databases.createDatabase({ database }, alice.as))).toEqual({ fields: [] });
    expect(memory.collections.size).toBe(1);
  });
});

it('keeps another owner out of everything', async () => {
  const { databaseId, placementId } = await newDatabase(harness, alice);
  const { databases, records } = harness;
  const calls = [
    databases.getDatabase({ databaseId }, bob.as),
    databases.updateDatabase({ databaseId, database: { name: 'x' } }, bob.as),
    databases.deleteDatabase({ databaseId }, bob.as),
    databases.listPlacements({ databaseId }, bob.as),
    databases.getPlacement({ databaseId, placementId }, bob.as),
    databases.listQuarantinedRecords({ databaseId, placementId }, bob.as),
    records.upsertRecords({ databaseId, records: [record('a')] }, bob.as),
    records.queryRecords({ databaseId, vector: [1, 0, 0] }, bob.as),
    records.fetchRecords({ databaseId, ids: ['a'] }, bob.as),
    records.deleteRecords({ databaseId, ids: ['a'] }, bob.as),
    records.countRecords({ databaseId }, bob.as),
    records.scrollRecords({ databaseId }, bob.as),
  ];
  const reasons = (await Promise.all(calls.map(refusal))).map(({ reason }) => reason);
  expect(new Set(reasons)).toEqual(new Set(['DATABASE_NOT_FOUND']));
});

describe('an update', () => {
  it('changes what can be changed', async () => {
    const { databaseId } = await newDatabase(harness, alice);
    const update = (database: object, paths: string[]) =>
      harness.databases.updateDatabase({ databaseId, database, updateMask: { paths } }, alice.as);
    const name = randomUUID();
    const updated = await update({ name, description: 'd', vectorWeight: 0.5 }, [
      'name',
      'description',
      'vector_weight',
    ]);
    expect(updated).toMatchObject({ name, description: 'd', vectorWeight: 0.5, dimension: 3 });
    expect((await update({}, ['vector_weight'])).vectorWeight).toBeUndefined();
    expect(await refusal(update({ dimension: 4 }, ['dimension']))).toMatchObject({ fields: ['database.dimension'] });
    expect((await refusal(update({ name: 'x', etag: updated.etag }, ['name']))).reason).toBe('ETAG_MISMATCH');
  });

  it('of the document count takes the newest revision, from services alone', async () => {
    const { databaseId } = await newDatabase(harness, alice);
    const service = await harness.serviceFor(alice.userId);
    const set = (documentCount: number, revision: bigint, caller = service) =>
      harness.databases.setDocumentCount({ databaseId, documentCount, revision }, caller.as);
    await set(3, 5n);
    await set(2, 4n);
    expect((await harness.databases.getDatabase({ databaseId }, alice.as)).documentCount).toBe(3);
    expect((await refusal(set(1, 9n, alice))).reason).toBe('PERMISSION_DENIED');
  });
});

describe('deleting', () => {
  it('takes the collection along and frees the name', async () => {
    const { databaseId, memory, serverId } = await newDatabase(harness, alice);
    await harness.records.upsertRecords({ databaseId, records: [record('a')] }, alice.as);
    expect((await refusal(harness.servers.deleteServer({ serverId, force: true }, alice.as))).reason).toBe(
      'SERVER_IN_USE',
    );
    await harness.databases.deleteDatabase({ databaseId }, alice.as);
    expect(memory.collections.size).toBe(0);
    expect((await refusal(harness.records.countRecords({ databaseId }, alice.as))).reason).toBe('DATABASE_NOT_FOUND');
    await harness.servers.deleteServer({ serverId }, alice.as);
  });

  it('is told to the documents service, also where that is away at first', async () => {
    const { databaseId } = await newDatabase(harness, alice);
    await harness.databases.deleteDatabase({ databaseId }, alice.as);
    await eventually(() => expect(harness.detached).toContain(databaseId));
  });

  it('works while the server is away, and a server that is gone for good can be forgotten', async () => {
    const { databaseId, memory, serverId } = await newDatabase(harness, alice);
    memory.down = 'unavailable';
    await harness.databases.deleteDatabase({ databaseId }, alice.as);
    expect((await refusal(harness.databases.getDatabase({ databaseId }, alice.as))).reason).toBe('DATABASE_NOT_FOUND');
    expect((await refusal(harness.servers.deleteServer({ serverId }, alice.as))).reason).toBe('SERVER_IN_USE');
    await harness.servers.deleteServer({ serverId, force: true }, alice.as);
  });

  it('of an owner leaves nothing', async () => {
    const owner = await harness.newUser();
    const { memory, databaseId } = await newDatabase(harness, owner);
    await harness.records.upsertRecords({ databaseId, records: [record('a')] }, owner.as);
    const service = await harness.serviceFor(owner.userId);
    await harness.servers.purgeOwner({ ownerId: owner.userId }, service.as);
    expect((await harness.servers.listServers({}, owner.as)).servers).toEqual([]);
    expect((await harness.databases.listDatabases({}, owner.as)).databases).toEqual([]);
    expect(memory.collections.size).toBe(0);
    await eventually(() => expect(memory.opened).toBe(memory.closed));
    // What was under way comes too late; the token itself ends a little later.
    const server = { name: 'late', type: Server_DatabaseType.CHROMA, host: '127.0.0.1', port: 1 };
    expect((await refusal(harness.servers.createServer({ server }, owner.as))).reason).toBe('UNAUTHENTICATED');
  });

  it('of an owner waits for the instance that still applies its log', async () => {
    const owner = await harness.newUser();
    const second = await harness.another();
    const { memory, databaseId } = await newDatabase(harness, owner);
    await second.records.upsertRecords({ databaseId, records: [record('a')] }, owner.as);
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    memory.beforeUpsert = async () => {
      entered.resolve();
      await gate.promise;
    };
    const late = refusal(second.records.upsertRecords({ databaseId, records: [record('b')] }, owner.as));
    await entered.promise;
    const service = await harness.serviceFor(owner.userId);
    const purged = harness.servers.purgeOwner({ ownerId: owner.userId }, service.as);
    await eventually(async () => {
      expect((await harness.databases.listDatabases({}, owner.as)).databases).toEqual([]);
    });
    expect(memory.collections.size).toBe(1);
    gate.resolve();
    await purged;
    await late;
    expect(memory.collections.size).toBe(0);
  });
});

it('a server that says nothing keeps no instance from stopping while what was deleted is removed', async () => {
  const { databaseId, memory } = await newDatabase(harness, alice);
  memory.down = 'unavailable';
  await harness.databases.deleteDatabase({ databaseId }, alice.as);
  const asked = Promise.withResolvers<AbortSignal | undefined>();
  memory.beforeDelete = async (signal) => {
    asked.resolve(signal);
    if (signal) await once(signal, 'abort');
    throw new ConnectorError('unavailable', { vendor: 'chroma', operation: 'deleteCollection' }, 'Cut off.');
  };
  memory.down = undefined;
  const { service } = await harness.another();
  expect(await asked.promise).toBeDefined();
  await service.stop();
  memory.beforeDelete = async () => {};
  await harness.another();
  await eventually(() => expect(memory.collections.size).toBe(0));
});

describe('collections', () => {
  it('are listed in pages, made and deleted, but not those of databases', async () => {
    const { serverId, collection, databaseId } = await newDatabase(harness, alice);
    const { collections } = harness;
    const made = await collections.createCollection({ serverId, collection: { name: 'a', dimension: 2 } }, alice.as);
    expect(made).toMatchObject({ name: 'a', dimension: 2, databaseId: '', recordCount: 0 });
    const first = await collections.listCollections({ serverId, pageSize: 1 }, alice.as);
    expect(first.collections).toMatchObject([{ name: 'a' }]);
    const next = { serverId, pageSize: 1, pageToken: first.nextPageToken };
    expect(await collections.listCollections(next, alice.as)).toMatchObject({
      collections: [{ name: collection, databaseId }],
      nextPageToken: '',
    });
    expect((await collections.getCollection({ serverId, collection }, alice.as)).databaseId).toBe(databaseId);
    const remove = (name: string) => refusal(collections.deleteCollection({ serverId, collection: name }, alice.as));
    expect((await remove(collection)).reason).toBe('COLLECTION_IN_USE');
    expect(await remove('a')).toEqual({ fields: [] });
    expect((await remove('a')).reason).toBe('COLLECTION_NOT_FOUND');
    expect((await refusal(collections.listCollections({ serverId }, bob.as))).reason).toBe('SERVER_NOT_FOUND');
  });
});
