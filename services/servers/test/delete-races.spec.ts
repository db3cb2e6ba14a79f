import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { reasonOf } from '@morag/errors';
import { countEnds, eventually } from '@morag/testing';
import { newDatabase, newServer, record, refusal } from './data.ts';
import { type Caller, type Clients, type Harness, startServers } from './harness.ts';

const CALLERS = 100;

/** The other instance has heard of a deletion by then: a second where nothing else has the cores. */
const HEARD_OF_MS_MAX = 5_000;

/** What is to be gone is gone by then. */
const GONE = { timeoutMs: 10_000 };

let harness: Harness;
let instances: readonly [Clients, Clients];
let alice: Caller;

beforeAll(async () => {
  harness = await startServers();
  instances = [harness, await harness.another()];
  alice = await harness.newUser();
});
afterAll(() => harness.close());

/** How a hundred calls ended that were made at once, every other one through the other instance. */
const race = (call: (through: Clients, n: number) => Promise<unknown>) =>
  countEnds(
    Array.from({ length: CALLERS }, (_, n) => () => call(instances[n % 2] as Clients, n)),
    reasonOf,
  );

describe('a server that is deleted while databases are made on it', () => {
  it.each([0, 1, 50, 99])(
    'is gone without any of them or keeps them all, when its deletion is call %s',
    async (at) => {
      const { serverId, memory } = await newServer(harness, alice);
      let deletion: string | undefined = 'none';
      const counts = await race(async ({ servers, databases }, n) => {
        const database = { name: randomUUID(), dimension: 3, serverId };
        if (n !== at) await databases.createDatabase({ database }, alice.as);
        else deletion = (await refusal(servers.deleteServer({ serverId }, alice.as))).reason ?? 'OK';
      });
      // One of those that ended well is the deletion, whatever it answered.
      const made = (counts.OK ?? 0) - 1;
      const { databases } = await harness.databases.listDatabases({ pageSize: 1_000 }, alice.as);
      expect(databases.filter((database) => database.serverId === serverId)).toHaveLength(made);
      expect(deletion).toBe(made === 0 ? 'OK' : 'SERVER_IN_USE');
      expect(made + (counts.SERVER_NOT_FOUND ?? 0)).toBe(CALLERS - 1);
      await eventually(() => expect(memory.collections.size).toBe(made), GONE);
    },
    60_000,
  );
});

describe('a database that is deleted while a hundred write to it and read it', () => {
  it('refuses them all from then on, and leaves no collection', async () => {
    const { databaseId, memory } = await newDatabase(harness, alice);
    let deletedAtMs = Number.POSITIVE_INFINITY;
    const late: number[] = [];
    const lanes = Array.from({ length: CALLERS }, async (_, n) => {
      const { records } = instances[n % 2] as Clients;
      for (let round = 0; ; round++) {
        const begunAtMs = performance.now();
        const call =
          n % 4 < 2
            ? records.upsertRecords({ databaseId, records: [record(`${n}-${round}`)] }, alice.as)
            : records.queryRecords({ databaseId, vector: [1, 0, 0], topK: 3 }, alice.as);
        const { reason } = await refusal(call);
        if (reason !== undefined) return reason;
        if (begunAtMs > deletedAtMs + HEARD_OF_MS_MAX) late.push(n);
      }
    });
    await harness.databases.deleteDatabase({ databaseId }, alice.as);
    deletedAtMs = performance.now();
    expect(new Set(await Promise.all(lanes))).toEqual(new Set(['DATABASE_NOT_FOUND']));
    expect(late).toEqual([]);
    await eventually(() => expect(memory.collections.size).toBe(0), GONE);
  }, 60_000);
});
