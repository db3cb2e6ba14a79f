import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Operation } from '@morag/gen/google/longrunning/operations_pb.ts';
import { DatabaseSchema, Placement_Role, Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import {
  DatabaseOperationMetadataSchema,
  ImportCollectionResponseSchema,
  VerifyPlacementsResponseSchema,
} from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { eventually } from '@morag/testing';
import { newDatabase, newServer, record, refusal } from './data.ts';
import { type Caller, FAST, type Harness, startServers } from './harness.ts';
import type { MemoryServer } from './memory-server.ts';

let harness: Harness;
let alice: Caller;

const settings = {
  ...FAST,
  fill: { recordsPerSecondMax: 5_000, pageBytesMax: 1 },
  move: { pollMs: 20, retryMs: 100, drainMs: 1_100 },
};

beforeAll(async () => {
  harness = await startServers({ settings });
  alice = await harness.newUser();
});

afterAll(async () => {
  await harness.close();
});

const ids = (count: number) => Array.from({ length: count }, (_, n) => `r${String(n).padStart(3, '0')}`);

async function filled(count: number) {
  const database = await newDatabase(harness, alice);
  const records = ids(count).map((id) => record(id));
  if (count > 0) await harness.records.upsertRecords({ databaseId: database.databaseId, records }, alice.as);
  return database;
}

const move = (databaseId: string, serverId: string, collection = '') =>
  harness.databases.moveDatabase({ databaseId, serverId, collection }, alice.as);

/** Waits until an operation is done. */
async function done({ name }: Operation): Promise<Operation> {
  return eventually(async () => {
    const operation = await harness.operations.waitOperation({ name }, alice.as);
    expect(operation.done).toBe(true);
    return operation;
  });
}

function metadataOf({ metadata }: Operation) {
  return metadata && anyUnpack(metadata, DatabaseOperationMetadataSchema);
}

function contents(memory: MemoryServer, collection: string) {
  return [...memory.records(collection).values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function verify(databaseId: string, repair = false) {
  const operation = await done(await harness.databases.verifyPlacements({ databaseId, repair }, alice.as));
  expect(operation.result.case).toBe('response');
  return operation.result.case === 'response' && anyUnpack(operation.result.value, VerifyPlacementsResponseSchema);
}

describe('a move', () => {
  it('takes a database to another server while reads and writes go on', async () => {
    const { databaseId, memory, collection } = await filled(120);
    const { serverId, memory: other } = await newServer(harness, alice);
    let isOver = false;
    const written: string[] = [];
    const load = (async () => {
      for (let n = 0; !isOver; n++) {
        const { token } = await harness.records.upsertRecords({ databaseId, records: [record(`w${n}`)] }, alice.as);
        written.push(`w${n}`);
        const found = await harness.records.fetchRecords({ databaseId, ids: [`w${n}`], token }, alice.as);
        expect(found.records).toHaveLength(1);
        if (n % 5 === 0) await harness.records.deleteRecords({ databaseId, ids: [`r00${n % 10}`] }, alice.as);
      }
    })();
    const started = await move(databaseId, serverId, 'there');
    expect(started.done).toBe(false);
    const ended = await done(started);
    isOver = true;
    await load;
    expect(ended.result.case).toBe('response');
    const database = ended.result.case === 'response' ? anyUnpack(ended.result.value, DatabaseSchema) : undefined;
    expect(database).toMatchObject({ id: databaseId, serverId, collection: 'there' });
    expect(metadataOf(ended)).toMatchObject({ databaseId, percentage: 100 });
    expect(memory.collections.has(collection)).toBe(false);
    const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
    expect(placements).toEqual([
      expect.objectContaining({ serverId, role: Placement_Role.PRIMARY, state: Placement_State.IN_SYNC }),
    ]);
    expect(other.records('there').size).toBe(118 + written.length);
  });

  it('goes to another collection of the same server too', async () => {
    const { databaseId, serverId, memory, collection } = await filled(20);
    const before = contents(memory, collection);
    await done(await move(databaseId, serverId, 'fresh'));
    expect([...memory.collections.keys()]).toEqual(['fresh']);
    expect(contents(memory, 'fresh')).toEqual(before);
  });

  it('that cannot be is refused, and nothing is changed', async () => {
    const { databaseId, serverId, collection } = await filled(5);
    const there = await newServer(harness, alice);
    const bob = await harness.newUser();
    const foreign = await newServer(harness, bob);
    const why = async (call: Promise<unknown>) => (await refusal(call)).reason;
    expect(await why(move(databaseId, serverId))).toBe('PLACEMENT_CONFLICT');
    expect(await why(move(databaseId, serverId, collection))).toBe('PLACEMENT_CONFLICT');
    expect(await why(move(databaseId, foreign.serverId))).toBe('SERVER_NOT_FOUND');
    expect(await why(harness.databases.moveDatabase({ databaseId, serverId: foreign.serverId }, bob.as))).toBe(
      'DATABASE_NOT_FOUND',
    );
    there.memory.capabilities = { ...there.memory.capabilities, metrics: ['dot'] };
    expect(await why(move(databaseId, there.serverId))).toBe('UNSUPPORTED_BY_SERVER');
    there.memory.capabilities = { ...there.memory.capabilities, metrics: ['cosine'] };
    there.memory.down = 'unavailable';
    expect(await why(move(databaseId, there.serverId))).toBe('SERVER_UNREACHABLE');
    expect((await harness.databases.listPlacements({ databaseId }, alice.as)).placements).toHaveLength(1);
  });

  it('of two at once is one, and can be cancelled without a trace', async () => {
    const { databaseId, memory } = await filled(40);
    const { serverId, memory: other } = await newServer(harness, alice);
    other.beforeUpsert = async () => {
      throw new Error('never written');
    };
    const started = await move(databaseId, serverId);
    const second = await refusal(move(databaseId, serverId));
    expect(second.reason).toBe('PLACEMENT_CONFLICT');
    await eventually(async () => {
      const seen = await harness.operations.getOperation({ name: started.name }, alice.as);
      expect(metadataOf(seen)?.stage).toContain('backfilling');
    });
    await harness.operations.cancelOperation({ name: started.name }, alice.as);
    const ended = await done(started);
    expect(ended.result).toMatchObject({ case: 'error', value: { code: Code.Canceled } });
    await eventually(() => expect(other.collections.size).toBe(0));
    expect(memory.collections.size).toBe(1);
    await eventually(async () => {
      expect((await harness.databases.listPlacements({ databaseId }, alice.as)).placements).toHaveLength(1);
    });
  });

  it('that the new server cannot take whole ends where it began, and says why', async () => {
    const { databaseId, memory, collection } = await filled(15);
    const { serverId, memory: other } = await newServer(harness, alice);
    other.refused.set('r007', 'not that one');
    const ended = await done(await move(databaseId, serverId));
    expect(ended.result).toMatchObject({ case: 'error', value: { code: Code.InvalidArgument } });
    await eventually(() => expect(other.collections.size).toBe(0));
    expect(memory.records(collection).size).toBe(15);
  });

  it('is gone on with by another instance when the one that did it stops', async () => {
    const { databaseId, memory, collection } = await filled(60);
    const before = contents(memory, collection);
    const { serverId, memory: other } = await newServer(harness, alice);
    const second = await harness.another();
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    let upserts = 0;
    other.beforeUpsert = async () => {
      if (++upserts < 3) return;
      entered.resolve();
      await gate.promise;
    };
    const started = await second.databases.moveDatabase({ databaseId, serverId, collection: 'there' }, alice.as);
    await entered.promise;
    const stopped = second.service.stop();
    gate.resolve();
    await stopped;
    expect((await done(started)).result.case).toBe('response');
    expect(contents(other, 'there')).toEqual(before);
    expect(memory.collections.size).toBe(0);
  });
});

describe('operations', () => {
  it('are told to their owner alone', async () => {
    const { databaseId } = await filled(1);
    const started = await harness.databases.verifyPlacements({ databaseId }, alice.as);
    const bob = await harness.newUser();
    const { name } = started;
    const { operations } = harness;
    const foreign = [
      operations.getOperation({ name }, bob.as),
      operations.waitOperation({ name }, bob.as),
      operations.cancelOperation({ name }, bob.as),
      operations.deleteOperation({ name }, bob.as),
      operations.getOperation({ name: 'operations/x' }, alice.as),
    ];
    for (const call of foreign) expect((await refusal(call)).reason).toBe('OPERATION_NOT_FOUND');
    expect((await operations.listOperations({}, bob.as)).operations).toEqual([]);
    const ended = await done(started);
    await operations.cancelOperation({ name }, alice.as);
    expect(await operations.getOperation({ name }, alice.as)).toEqual(ended);
    const filter = `database_id = "${databaseId}" AND done = true`;
    const listed = await operations.listOperations({ filter, pageSize: 1 }, alice.as);
    expect(listed.operations).toEqual([ended]);
    await operations.deleteOperation({ name }, alice.as);
    expect((await refusal(operations.getOperation({ name }, alice.as))).reason).toBe('OPERATION_NOT_FOUND');
    const viewer = await harness.newUser('VIEWER');
    expect((await refusal(operations.deleteOperation({ name }, viewer.as))).reason).toBe('PERMISSION_DENIED');
  });
});

describe('a comparison', () => {
  async function pair(count: number) {
    const database = await filled(count);
    const { serverId, memory: other } = await newServer(harness, alice);
    const { databaseId } = database;
    const { id } = await harness.databases.createPlacement({ databaseId, placement: { serverId } }, alice.as);
    const copy = await eventually(async () => {
      const found = await harness.databases.getPlacement({ databaseId, placementId: id }, alice.as);
      expect(found.state).toBe(Placement_State.IN_SYNC);
      return found.collection;
    });
    return { ...database, other, copy };
  }

  it('finds nothing where nothing differs, also while writes go on', async () => {
    const { databaseId } = await pair(100);
    let isOver = false;
    const load = (async () => {
      for (let n = 0; !isOver; n++) {
        await harness.records.upsertRecords({ databaseId, records: [record(`r00${n % 10}`, { x: n + 1 })] }, alice.as);
      }
    })();
    const found = await verify(databaseId);
    isOver = true;
    await load;
    expect(found).toMatchObject({ equal: true, missing: 0, extra: 0, different: 0, examples: [] });
  });

  it('tells what is missing, extra and different, and mends it', async () => {
    const { databaseId, memory, collection, other, copy } = await pair(100);
    const records = other.records(copy);
    records.delete('r003');
    records.set('alien', { id: 'alien', vector: Float32Array.of(1, 2, 3), metadata: {} });
    records.set('r050', { ...record('r050'), vector: Float32Array.of(1, 0.5, 0.75), document: 'text of r050' });
    records.set('r051', { ...record('r051'), vector: Float32Array.of(1, 0.5, 0.25), document: 'another text' });
    const expected = {
      equal: false,
      missing: 1,
      extra: 1,
      different: 2,
      examples: ['missing:r003', 'extra:alien', 'different:r050', 'different:r051'],
    };
    const found = await verify(databaseId);
    expect(found && { ...found, examples: found.examples.toSorted() }).toMatchObject({
      ...expected,
      examples: expected.examples.toSorted(),
    });
    expect(await verify(databaseId, true)).toMatchObject({ missing: 1, extra: 1, different: 2, equal: true });
    expect(contents(other, copy)).toEqual(contents(memory, collection));
    expect(await verify(databaseId)).toMatchObject({ equal: true, missing: 0 });
  });

  it('mends the primary from the log, where that still knows', async () => {
    const { databaseId, memory, collection, other, copy } = await pair(30);
    memory.records(collection).delete('r011');
    expect(await verify(databaseId, true)).toMatchObject({ extra: 1, equal: true });
    expect(memory.records(collection).has('r011')).toBe(true);
    expect(contents(other, copy)).toEqual(contents(memory, collection));
  });

  it('of a placement whose server is away says so', async () => {
    const { databaseId, other } = await pair(3);
    other.down = 'unavailable';
    const ended = await done(await harness.databases.verifyPlacements({ databaseId }, alice.as));
    expect(ended.result).toMatchObject({ case: 'error', value: { code: Code.Unavailable } });
  });
});

describe('an import', () => {
  it('reads in a collection that somebody else made, keeps its ids, and leaves it', async () => {
    const { databaseId } = await filled(3);
    const { serverId, memory } = await newServer(harness, alice);
    const records = new Map(
      ids(45).map((id) => [`x${id}`, { id: `x${id}`, vector: Float32Array.of(1, 2, 3), document: `their ${id}` }]),
    );
    memory.collections.set('theirs', { spec: { name: 'theirs', dimension: 3, metric: 'cosine' }, records });
    const started = await harness.databases.importCollection({ databaseId, serverId, collection: 'theirs' }, alice.as);
    const ended = await done(started);
    expect(
      ended.result.case === 'response' && anyUnpack(ended.result.value, ImportCollectionResponseSchema),
    ).toMatchObject({ imported: 45 });
    expect((await harness.records.countRecords({ databaseId }, alice.as)).count).toBe(48);
    const found = await harness.records.fetchRecords({ databaseId, ids: ['xr007'] }, alice.as);
    expect(found.records).toMatchObject([{ id: 'xr007', vector: [1, 2, 3], text: 'their r007' }]);
    expect(memory.records('theirs').size).toBe(45);
  });

  it('that cannot be is refused', async () => {
    const { databaseId, serverId, collection } = await filled(0);
    const { serverId: elsewhere, memory } = await newServer(harness, alice);
    memory.collections.set('wide', { spec: { name: 'wide', dimension: 4, metric: 'cosine' }, records: new Map() });
    const why = async (where: string, name: string) =>
      (await refusal(harness.databases.importCollection({ databaseId, serverId: where, collection: name }, alice.as)))
        .reason;
    expect(await why(serverId, collection)).toBe('PLACEMENT_CONFLICT');
    expect(await why(elsewhere, 'wide')).toBe('DIMENSION_MISMATCH');
    expect(await why(elsewhere, 'none')).toBe('COLLECTION_NOT_FOUND');
    expect(await why(databaseId, 'none')).toBe('SERVER_NOT_FOUND');
  });
});
