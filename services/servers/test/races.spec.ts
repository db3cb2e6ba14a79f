import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { reasonOf } from '@morag/errors';
import { Server_DatabaseType } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { countEnds } from '@morag/testing';
import { newDatabase, newServer } from './data.ts';
import { type Caller, type Clients, type Harness, startServers } from './harness.ts';

const CALLERS = 100;

let harness: Harness;
let second: Clients;
let alice: Caller;

beforeAll(async () => {
  harness = await startServers();
  second = await harness.another();
  alice = await harness.newUser();
});
afterAll(() => harness.close());

/** Calls a hundred times at once, every other time through the other instance; how many calls ended how. */
const race = (call: (through: Clients, n: number) => Promise<unknown>) =>
  countEnds(
    Array.from({ length: CALLERS }, (_, n) => () => call(n % 2 ? second : harness, n)),
    reasonOf,
  );

describe('of a hundred at once on two instances', () => {
  it('one registers a server of a name', async () => {
    const server = { name: randomUUID(), type: Server_DatabaseType.CHROMA, host: '127.0.0.1', port: 1234 };
    const counts = await race(({ servers }) => servers.createServer({ server }, alice.as));
    expect(counts).toEqual({ OK: 1, SERVER_EXISTS: CALLERS - 1 });
  });

  it('one renames a server to a name', async () => {
    const ids = await Promise.all(Array.from({ length: CALLERS }, () => newServer(harness, alice)));
    const name = randomUUID();
    const counts = await race(({ servers }, n) =>
      servers.updateServer({ serverId: ids[n]?.serverId ?? '', server: { name } }, alice.as),
    );
    expect(counts).toEqual({ OK: 1, SERVER_EXISTS: CALLERS - 1 });
  });

  it('one makes a database of a name, and one collection on the server', async () => {
    const { serverId } = await newServer(harness, alice);
    const database = { name: randomUUID(), dimension: 3, serverId };
    const counts = await race(({ databases }) => databases.createDatabase({ database }, alice.as));
    expect(counts).toEqual({ OK: 1, DATABASE_EXISTS: CALLERS - 1 });
    const { collections } = await harness.collections.listCollections({ serverId }, alice.as);
    expect(collections).toHaveLength(1);
  });

  it('all get one database for one request id', async () => {
    const { serverId } = await newServer(harness, alice);
    const request = { database: { name: randomUUID(), dimension: 3, serverId }, requestId: randomUUID() };
    const ids = new Set<string>();
    const counts = await race(async ({ databases }) => ids.add((await databases.createDatabase(request, alice.as)).id));
    expect(counts).toEqual({ OK: CALLERS });
    expect(ids.size).toBe(1);
  });

  it('one changes a row that all have read', async () => {
    const { databaseId } = await newDatabase(harness, alice);
    const { etag } = await harness.databases.getDatabase({ databaseId }, alice.as);
    const counts = await race(({ databases }, n) =>
      databases.updateDatabase({ databaseId, database: { name: `changed ${n}`, etag } }, alice.as),
    );
    expect(counts).toEqual({ OK: 1, ETAG_MISMATCH: CALLERS - 1 });
  });
});
