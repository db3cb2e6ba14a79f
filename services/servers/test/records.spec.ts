import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database_Metric, Mutation_WritePolicy, Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { FilterSchema } from '@morag/gen/morag/servers/v1/record_pb.ts';
import { eventually } from '@morag/testing';
import { newDatabase, record, refusal } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';

let harness: Harness;
let alice: Caller;

beforeAll(async () => {
  harness = await startServers();
  alice = await harness.newUser();
});

afterAll(() => harness.close());

const filterOf = (json: JsonValue) => fromJson(FilterSchema, json);
const even = filterOf({ field: 'n', op: 'EQ', value: 0 });

describe('records', () => {
  it('are written, found, fetched, counted, scrolled and deleted', async () => {
    const { databaseId, placementId } = await newDatabase(harness, alice);
    const { records } = harness;
    const many = Array.from({ length: 250 }, (_, n) =>
      record(`r${String(n).padStart(3, '0')}`, { x: n, metadata: { n: n % 2 } }),
    );
    const { upserted, token } = await records.upsertRecords({ databaseId, records: many }, alice.as);
    expect(upserted).toBe(250);

    const found = await records.queryRecords({ databaseId, vector: [1, 0, 0], token }, alice.as);
    expect(found).toMatchObject({ servedBy: placementId, staleness: 0 });
    expect(found.hits.map(({ id }) => id)).toEqual(
      many
        .slice(-10)
        .reverse()
        .map(({ id }) => id),
    );
    expect(found.hits[0]).toMatchObject({ text: 'text of r249', metadata: { n: 1 }, vector: [] });

    const bare = { databaseId, vector: [1, 0, 0], topK: 1, filter: even, includeMetadata: false };
    expect((await records.queryRecords(bare, alice.as)).hits[0]?.id).toBe('r248');

    const fetched = await records.fetchRecords({ databaseId, ids: ['r003', 'none', 'r001'] }, alice.as);
    expect(fetched.records).toMatchObject([{ id: 'r003', vector: [3, 0.5, 0.25] }, { id: 'r001' }]);
    expect((await records.countRecords({ databaseId, filter: even }, alice.as)).count).toBe(125);

    const ids: string[] = [];
    let pageToken = '';
    do {
      const page = await records.scrollRecords({ databaseId, pageSize: 60, filter: even, pageToken }, alice.as);
      ids.push(...page.records.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(ids).toHaveLength(125);
    expect(new Set(ids).size).toBe(125);

    expect((await records.deleteRecords({ databaseId, ids: ['r001', 'none'] }, alice.as)).deleted).toBe(2);
    expect((await records.deleteRecords({ databaseId, filter: even }, alice.as)).deleted).toBe(125);
    expect((await records.countRecords({ databaseId }, alice.as)).count).toBe(124);
    expect((await harness.databases.getDatabase({ databaseId }, alice.as)).headSequence).toBe(3n);
  });

  it('with one id become the last of them', async () => {
    const { databaseId } = await newDatabase(harness, alice);
    const twice = [record('a', { metadata: { v: 1 } }), record('a', { metadata: { v: 2 } })];
    expect((await harness.records.upsertRecords({ databaseId, records: twice }, alice.as)).upserted).toBe(1);
    const { records } = await harness.records.fetchRecords({ databaseId, ids: ['a'] }, alice.as);
    expect(records).toMatchObject([{ metadata: { v: 2 } }]);
  });

  it.each([
    ['another dimension', { vector: [1, 2] }, 'DIMENSION_MISMATCH', 'records[1].vector'],
    ['no vector', { vector: [] }, 'DIMENSION_MISMATCH', 'records[1].vector'],
    ['NaN', { vector: [1, Number.NaN, 0] }, 'INVALID_VECTOR', 'records[1].vector'],
    ['a zero vector', { vector: [0, 0, 0] }, 'INVALID_VECTOR', 'records[1].vector'],
    ['no id', { id: '' }, 'INVALID_ARGUMENT', 'records[1].id'],
    ['a NUL in the id', { id: 'a\0b' }, 'INVALID_ARGUMENT', 'records[1].id'],
    ['a reserved key', { metadata: { $set: 1 } }, 'INVALID_ARGUMENT', 'records[1].metadata'],
    ['a NUL in the text', { text: 'a\0b' }, 'INVALID_ARGUMENT', 'records[1].text'],
  ])('with %s are refused before the log', async (_what, overrides, reason, field) => {
    const { databaseId } = await newDatabase(harness, alice);
    const records = [record('good'), { ...record('bad'), ...overrides }];
    const result = await refusal(harness.records.upsertRecords({ databaseId, records }, alice.as));
    expect(result).toEqual({ reason, fields: [field] });
    expect((await harness.databases.getDatabase({ databaseId }, alice.as)).headSequence).toBe(0n);
  });

  it('may have a zero vector where length counts', async () => {
    const { databaseId } = await newDatabase(harness, alice, { metric: Database_Metric.EUCLIDEAN });
    const zero = { ...record('zero'), vector: [0, 0, 0] };
    expect(await refusal(harness.records.upsertRecords({ databaseId, records: [zero] }, alice.as))).toEqual({
      fields: [],
    });
  });

  it('are not read with a bad vector, filter or token', async () => {
    const { databaseId } = await newDatabase(harness, alice);
    const { databaseId: otherId } = await newDatabase(harness, alice);
    const { records } = harness;
    const { token } = await records.upsertRecords({ databaseId: otherId, records: [record('a')] }, alice.as);
    const query = (more: object) => refusal(records.queryRecords({ databaseId, vector: [1, 0, 0], ...more }, alice.as));
    expect(await query({ vector: [1] })).toEqual({ reason: 'DIMENSION_MISMATCH', fields: ['vector'] });
    expect(await query({ vector: [0, 0, 0] })).toEqual({ reason: 'INVALID_VECTOR', fields: ['vector'] });
    expect(await query({ filter: filterOf({ field: 'a' }) })).toEqual({
      reason: 'INVALID_FILTER',
      fields: ['filter.op'],
    });
    const nested = filterOf({
      and: [
        { field: 'n', op: 'EXISTS' },
        { field: 'a', op: 'GT', value: true },
      ],
    });
    expect(await query({ filter: nested })).toEqual({ reason: 'INVALID_FILTER', fields: ['filter.and[1].value'] });
    expect(await query({ token: 'x' })).toEqual({ reason: 'INVALID_CONSISTENCY_TOKEN', fields: ['token'] });
    expect((await query({ token })).reason).toBe('INVALID_CONSISTENCY_TOKEN');
    expect((await refusal(records.scrollRecords({ databaseId, pageToken: 'x.y' }, alice.as))).reason).toBe(
      'INVALID_PAGE_TOKEN',
    );
  });
});

describe('streams of records', () => {
  it('come in and go out whole, and go on where they were cut off', async () => {
    const { databaseId } = await newDatabase(harness, alice);
    const ids = Array.from({ length: 1_200 }, (_, n) => `r${String(n).padStart(4, '0')}`);
    const imported = await harness.records.importRecords(
      (async function* () {
        yield { databaseId };
        for (let at = 0; at < ids.length; at += 400) yield { records: ids.slice(at, at + 400).map((id) => record(id)) };
      })(),
      alice.as,
    );
    expect(imported.upserted).toBe(1_200);
    const { token } = imported;
    expect((await harness.records.countRecords({ databaseId, token }, alice.as)).count).toBe(1_200);

    const read: string[] = [];
    let cursor = '';
    for await (const page of harness.records.exportRecords({ databaseId }, alice.as)) {
      read.push(...page.records.map(({ id }) => id));
      ({ cursor } = page);
      break;
    }
    for await (const page of harness.records.exportRecords({ databaseId, cursor }, alice.as)) {
      expect(page.records[0]).toMatchObject({ vector: [1, 0.5, 0.25] });
      read.push(...page.records.map(({ id }) => id));
    }
    expect(read).toEqual(ids);
  });

  it('are refused without a database, or with two', async () => {
    const { databaseId } = await newDatabase(harness, alice);
    const other = await newDatabase(harness, alice);
    const send = (...databaseIds: string[]) =>
      refusal(
        harness.records.importRecords(
          (async function* () {
            for (const id of databaseIds) yield { databaseId: id, records: [record('a')] };
          })(),
          alice.as,
        ),
      );
    expect(await send('')).toEqual({ reason: 'INVALID_ARGUMENT', fields: ['databaseId'] });
    expect(await send(databaseId, other.databaseId)).toEqual({ reason: 'INVALID_ARGUMENT', fields: ['databaseId'] });
    expect(await send(databaseId, '', databaseId)).toEqual({ fields: [] });
  });
});

describe('while the server is away', () => {
  it('a write is logged but not confirmed, and applied when the server is back', async () => {
    const { databaseId, memory, collection } = await newDatabase(harness, alice);
    memory.down = 'unavailable';
    const upsert = (id: string, writePolicy: Mutation_WritePolicy = Mutation_WritePolicy.PRIMARY) =>
      harness.records.upsertRecords(
        { databaseId, records: [record(id)], writePolicy },
        { ...alice.as, timeoutMs: 4_000 },
      );
    expect((await refusal(upsert('a'))).reason).toBe('WRITE_NOT_CONFIRMED');
    const { token } = await upsert('b', Mutation_WritePolicy.LOGGED);
    const read = { databaseId, vector: [1, 0, 0], token };
    const late = harness.records.queryRecords(read, { ...alice.as, timeoutMs: 3_000 });
    expect((await refusal(late)).reason).toBe('NO_PLACEMENT_AVAILABLE');
    await eventually(async () => {
      const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
      expect(placements).toMatchObject([{ state: Placement_State.OFFLINE, lag: 2, lastError: 'The server is away.' }]);
    });
    memory.down = undefined;
    const { hits } = await harness.records.queryRecords(read, alice.as);
    expect(hits).toHaveLength(2);
    expect(memory.records(collection).size).toBe(2);
    await eventually(async () => {
      const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
      expect(placements).toMatchObject([{ state: Placement_State.IN_SYNC, lag: 0, lastError: '' }]);
    });
  });
});

describe('a server that was too slow for a delete', () => {
  it('is sent full calls again once it manages deletes', async () => {
    const { databaseId, memory, placementId } = await newDatabase(harness, alice);
    const ids = Array.from({ length: 100 }, (_, n) => `r${n}`);
    const remove = (writePolicy?: Mutation_WritePolicy) =>
      harness.records.deleteRecords({ databaseId, ids, writePolicy }, alice.as);
    memory.downFor = { deleteByIds: 'timeout' };
    await remove(Mutation_WritePolicy.LOGGED);
    await eventually(async () => {
      const placement = await harness.databases.getPlacement({ databaseId, placementId }, alice.as);
      expect(placement.lastError).not.toBe('');
    });
    memory.downFor = {};
    // Each doubles what the server is sent, which a single record may be by now.
    for (let doubled = 1; doubled <= ids.length; doubled *= 2) await remove();
    await harness.records.upsertRecords({ databaseId, records: ids.map((id) => record(id)) }, alice.as);
    expect(memory.upserts).toEqual([100]);
  });
});

describe('a record that the server refuses', () => {
  it.each([
    ['in its answer', false],
    ['with the whole call', true],
  ])('%s is quarantined and the rest is in', async (_how, refusesWhole) => {
    const { databaseId, placementId, memory, collection } = await newDatabase(harness, alice);
    memory.refused.set('r7', 'metadata is too odd');
    memory.refusesWhole = refusesWhole;
    const records = Array.from({ length: 20 }, (_, n) => record(`r${n}`));
    const upsert = harness.records.upsertRecords({ databaseId, records }, alice.as);
    expect((await refusal(upsert)).reason).toBe('RECORD_REFUSED');
    expect(memory.records(collection).size).toBe(19);
    const list = () => harness.databases.listQuarantinedRecords({ databaseId, placementId }, alice.as);
    expect(await list()).toMatchObject({ records: [{ recordId: 'r7', sequence: 1n, reason: 'metadata is too odd' }] });
    memory.refused.clear();
    await harness.records.upsertRecords({ databaseId, records: [record('r7')] }, alice.as);
    expect((await list()).records).toEqual([]);
    expect(memory.records(collection).size).toBe(20);
  });
});

describe('a record at which the server fails', () => {
  it('is looked for, and kept apart when the server takes the others', async () => {
    const { databaseId, placementId, memory, collection } = await newDatabase(harness, alice);
    memory.failsAt.add('r3');
    const records = Array.from({ length: 9 }, (_, n) => record(`r${n}`));
    const upsert = harness.records.upsertRecords({ databaseId, records, writePolicy: 4 }, alice.as);
    expect((await upsert).upserted).toBe(9);
    await eventually(() => expect(memory.records(collection).size).toBe(8), { timeoutMs: 25_000 });
    const list = await eventually(async () => {
      const found = await harness.databases.listQuarantinedRecords({ databaseId, placementId }, alice.as);
      expect(found.records).toHaveLength(1);
      return found;
    });
    expect(list).toMatchObject({ records: [{ recordId: 'r3', reason: expect.stringContaining('broke') }] });
  });

  it('is waited for when the server fails at all of them', async () => {
    const { databaseId, placementId, memory, collection } = await newDatabase(harness, alice);
    memory.downFor = { upsert: 'internal' };
    const records = Array.from({ length: 3 }, (_, n) => record(`r${n}`));
    await harness.records.upsertRecords({ databaseId, records, writePolicy: 4 }, alice.as);
    const failures = memory.failures;
    await eventually(() => expect(memory.failures).toBeGreaterThan(failures + 12), { timeoutMs: 25_000 });
    const found = await harness.databases.listQuarantinedRecords({ databaseId, placementId }, alice.as);
    expect(found.records).toEqual([]);
    memory.downFor = {};
    await eventually(() => expect(memory.records(collection).size).toBe(3), { timeoutMs: 25_000 });
  });
});

describe('many small writes at once', () => {
  it('share calls, and every one is there in a dense log', async () => {
    const { databaseId, memory, collection } = await newDatabase(harness, alice);
    memory.upserts.length = 0;
    const writes = Array.from({ length: 200 }, (_, n) =>
      harness.records.upsertRecords({ databaseId, records: [record(`r${n}`)] }, alice.as),
    );
    const tokens = await Promise.all(writes);
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(200);
    expect(memory.records(collection).size).toBe(200);
    expect((await harness.databases.getDatabase({ databaseId }, alice.as)).headSequence).toBe(200n);
    expect(memory.upserts.length).toBeLessThan(100);
  });
});
