import { randomUUID } from 'node:crypto';
import { fromJson } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database_ReadPolicy, Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { FilterSchema } from '@morag/gen/morag/servers/v1/record_pb.ts';
import { eventually } from '@morag/testing';
import { newDatabase, newServer, record, refusal } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';

let harness: Harness;
let alice: Caller;

beforeAll(async () => {
  harness = await startServers();
  alice = await harness.newUser();
});

afterAll(() => harness.close());

/** A database on two servers with labels of their own. */
async function newPair() {
  const database = await newDatabase(harness, alice);
  const { databaseId, serverId } = database;
  await harness.servers.updateServer({ serverId, server: { labels: { region: 'us' } } }, alice.as);
  const { serverId: otherServerId, memory: other } = await newServer(harness, alice, { labels: { region: 'eu' } });
  await harness.records.upsertRecords({ databaseId, records: [record('a')] }, alice.as);
  const placement = { serverId: otherServerId };
  const { id: replicaId } = await harness.databases.createPlacement({ databaseId, placement }, alice.as);
  await eventually(async () => {
    const { state } = await harness.databases.getPlacement({ databaseId, placementId: replicaId }, alice.as);
    expect(state).toBe(Placement_State.IN_SYNC);
  });
  return { ...database, otherServerId, other, replicaId };
}

const prefer = (databaseId: string, readPreference: object, owner = alice) =>
  harness.databases.updateDatabase({ databaseId, database: { readPreference } }, owner.as);

/** Which placements answer, of twenty reads. */
async function servers(databaseId: string): Promise<readonly string[]> {
  const answers = Array.from({ length: 20 }, () => harness.records.fetchRecords({ databaseId, ids: ['a'] }, alice.as));
  return [...new Set((await Promise.all(answers)).map(({ servedBy }) => servedBy))];
}

describe('the read preference of a database', () => {
  it('sends reads to servers with the preferred labels, while they answer', async () => {
    const { databaseId, serverId, placementId, replicaId, otherServerId, memory } = await newPair();
    const { readPreference } = await prefer(databaseId, { labels: { region: 'eu' } });
    expect(readPreference).toMatchObject({ labels: { region: 'eu' }, weights: {}, pinnedServerId: '' });
    expect(await servers(databaseId)).toEqual([replicaId]);
    // A label is looked at as it is now.
    await harness.servers.updateServer({ serverId: otherServerId, server: { labels: { region: 'us' } } }, alice.as);
    await harness.servers.updateServer({ serverId, server: { labels: { region: 'eu' } } }, alice.as);
    await eventually(async () => expect(await servers(databaseId)).toEqual([placementId]));
    memory.down = 'unavailable';
    expect(await servers(databaseId)).toEqual([replicaId]);
  });

  it('asks a server of weight 0 only when nobody else answers', async () => {
    const { databaseId, serverId, placementId, replicaId, otherServerId, memory } = await newPair();
    await prefer(databaseId, { weights: { [otherServerId]: 0, [serverId.toUpperCase()]: 50 } });
    expect(await servers(databaseId)).toEqual([placementId]);
    memory.down = 'unavailable';
    expect(await servers(databaseId)).toEqual([replicaId]);
  });

  it('sends all reads to the server to which they are pinned, or refuses them', async () => {
    const { databaseId, replicaId, otherServerId, other } = await newPair();
    await prefer(databaseId, { pinnedServerId: otherServerId });
    expect(await servers(databaseId)).toEqual([replicaId]);
    const readPolicy = Database_ReadPolicy.PRIMARY;
    const primary = harness.records.fetchRecords({ databaseId, ids: ['a'], readPolicy }, alice.as);
    await expect(primary).rejects.toThrow(`pinned to the server ${otherServerId}, and this one asks for the primary`);
    other.down = 'unavailable';
    const refused = harness.records.fetchRecords({ databaseId, ids: ['a'] }, alice.as);
    await expect(refused).rejects.toThrow(`pinned to the server ${otherServerId}`);
    // Writes are not reads, nor is what a write has to look up.
    const filter = fromJson(FilterSchema, { field: 'n', op: 'EQ', value: 7 });
    await harness.records.upsertRecords({ databaseId, records: [record('b', { metadata: { n: 7 } })] }, alice.as);
    expect((await harness.records.deleteRecords({ databaseId, filter }, alice.as)).deleted).toBe(1);
    await prefer(databaseId, {});
    expect(await servers(databaseId)).not.toContain(replicaId);
  });

  it('is not pinned where reads go to the primary, which may be elsewhere tomorrow', async () => {
    const PRIMARY = Database_ReadPolicy.PRIMARY;
    const { databaseId, serverId } = await newDatabase(harness, alice);
    const update = (database: object) => harness.databases.updateDatabase({ databaseId, database }, alice.as);
    const refused = { reason: 'INVALID_ARGUMENT', fields: ['database.readPreference.pinnedServerId'] };
    const pin = { readPreference: { pinnedServerId: serverId } };
    expect(await refusal(update({ ...pin, readPolicy: PRIMARY }))).toEqual(refused);
    await update({ readPolicy: PRIMARY });
    expect(await refusal(update(pin))).toEqual(refused);
    await update({ ...pin, readPolicy: Database_ReadPolicy.ANY });
    expect(await refusal(update({ readPolicy: PRIMARY }))).toEqual(refused);
    await update({ readPreference: {}, readPolicy: PRIMARY });
    const database = { name: randomUUID(), dimension: 3, serverId, ...pin, readPolicy: PRIMARY };
    expect(await refusal(harness.databases.createDatabase({ database }, alice.as))).toEqual(refused);
  });

  it('begins a scroll again where reads are pinned by now', async () => {
    const { databaseId, serverId, replicaId, otherServerId } = await newPair();
    await harness.records.upsertRecords({ databaseId, records: ['b', 'c'].map((id) => record(id)) }, alice.as);
    await prefer(databaseId, { pinnedServerId: serverId });
    const first = await harness.records.scrollRecords({ databaseId, pageSize: 2 }, alice.as);
    await prefer(databaseId, { pinnedServerId: otherServerId });
    await eventually(async () => expect(await servers(databaseId)).toEqual([replicaId]));
    const request = { databaseId, pageSize: 2, pageToken: first.nextPageToken };
    const next = await harness.records.scrollRecords(request, alice.as);
    expect(next.records.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('is refused when it names a server that is unknown, foreign or without a placement, or a weight out of bounds', async () => {
    const { databaseId, serverId } = await newDatabase(harness, alice);
    const bob = await harness.newUser();
    const [foreign, spare] = [await newServer(harness, bob), await newServer(harness, alice)];
    const reason = async (readPreference: object) => (await refusal(prefer(databaseId, readPreference))).reason;
    for (const pinnedServerId of [randomUUID(), foreign.serverId]) {
      expect(await reason({ pinnedServerId })).toBe('SERVER_NOT_FOUND');
      expect(await reason({ weights: { [pinnedServerId]: 1 } })).toBe('SERVER_NOT_FOUND');
    }
    expect(await reason({ pinnedServerId: spare.serverId })).toBe('PLACEMENT_CONFLICT');
    expect(await reason({ weights: { [serverId]: 1, [spare.serverId]: 1 } })).toBe('PLACEMENT_CONFLICT');
    expect(await reason({ weights: { [serverId]: 101 } })).toBe('INVALID_ARGUMENT');
    expect(await reason({ weights: { here: 1 } })).toBe('INVALID_ARGUMENT');
    expect(await reason({ pinnedServerId: 'here' })).toBe('INVALID_ARGUMENT');
    const labels = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`label-${at}`, 'x']));
    expect(await reason({ labels })).toBe('INVALID_ARGUMENT');
    const { readPreference } = await harness.databases.getDatabase({ databaseId }, alice.as);
    expect(readPreference).toMatchObject({ labels: {}, weights: {}, pinnedServerId: '' });
  });

  it('can be set when the database is made, for its own server', async () => {
    const { serverId } = await newServer(harness, alice);
    const spare = await newServer(harness, alice);
    const make = (readPreference: object) => {
      const database = { name: randomUUID(), dimension: 3, serverId, readPreference };
      return harness.databases.createDatabase({ database }, alice.as);
    };
    const { id: databaseId } = await make({ weights: { [serverId]: 7 }, pinnedServerId: serverId });
    const { readPreference } = await harness.databases.getDatabase({ databaseId }, alice.as);
    expect(readPreference).toMatchObject({ weights: { [serverId]: 7 }, pinnedServerId: serverId });
    expect((await refusal(make({ pinnedServerId: spare.serverId }))).reason).toBe('PLACEMENT_CONFLICT');
    expect((await refusal(make({ pinnedServerId: randomUUID() }))).reason).toBe('SERVER_NOT_FOUND');
  });

  it('forgets a server with its last placement: reads go on elsewhere', async () => {
    const { databaseId, serverId, placementId, replicaId, otherServerId } = await newPair();
    const labels = { region: 'eu' };
    await prefer(databaseId, { labels, weights: { [serverId]: 5, [otherServerId]: 9 }, pinnedServerId: otherServerId });
    const { etag } = await harness.databases.getDatabase({ databaseId }, alice.as);
    await harness.databases.deletePlacement({ databaseId, placementId: replicaId }, alice.as);
    const database = await harness.databases.getDatabase({ databaseId }, alice.as);
    expect(database.readPreference).toMatchObject({ labels, weights: { [serverId]: 5 }, pinnedServerId: '' });
    expect(database.etag).not.toBe(etag);
    expect(await servers(databaseId)).toEqual([placementId]);
    const dangling = prefer(databaseId, { pinnedServerId: otherServerId });
    expect((await refusal(dangling)).reason).toBe('PLACEMENT_CONFLICT');
  });

  it('never names a server that is left at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const { databaseId, replicaId, otherServerId } = await newPair();
      await Promise.all([
        refusal(prefer(databaseId, { pinnedServerId: otherServerId })),
        harness.databases.deletePlacement({ databaseId, placementId: replicaId }, alice.as),
      ]);
      const { readPreference } = await harness.databases.getDatabase({ databaseId }, alice.as);
      expect(readPreference?.pinnedServerId).toBe('');
    }
  });
});
