import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createEgress } from '@morag/egress';
import { Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { VerifyPlacementsResponseSchema } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { eventually } from '@morag/testing';
import { createRegistryVendors } from '../src/modules/connector/registry-vendors.ts';
import type { Vendors } from '../src/modules/connector/vendors.ts';
import { DATA_PLANE_SETTINGS } from '../src/settings.ts';
import { type Caller, FAST, type Harness, startServers } from './harness.ts';
import { createHistoryChecker, type HistoryChecker } from './history-checker.ts';
import { type RealServer, startRealServer } from './real-servers.ts';

const OPERATIONS = 2_000;
/** At least, however fast the operations are. */
const KILLS = 5;
const CLIENTS = 6;
const IDS_EACH = 5;
/** From the return of one server to the death of the other. */
const KILL_MS = 1_000;

const vendors = createRegistryVendors(createEgress({ allow: [], embedded: true }));
/** Roles change as often as servers die. */
const settings = {
  ...FAST,
  failover: { ...DATA_PLANE_SETTINGS.failover, graceMs: 0, changesMax: Number.POSITIVE_INFINITY },
};

let servers: readonly RealServer[];

beforeAll(async () => {
  servers = await Promise.all([startRealServer('chroma'), startRealServer('pgvector')]);
}, 180_000);

afterAll(async () => {
  await Promise.all(servers.map((server) => server.remove()));
}, 60_000);

interface Stand {
  readonly harness: Harness;
  readonly alice: Caller;
  readonly databaseId: string;
  untilInSync(): Promise<void>;
}

async function newStand(vendorsToUse: Vendors): Promise<Stand> {
  const harness = await startServers({ vendors: vendorsToUse, settings });
  const alice = await harness.newUser();
  const serverIds: string[] = [];
  for (const { registration, port } of servers) {
    const server = { ...registration, name: randomUUID(), port };
    const { id: serverId } = await harness.servers.createServer({ server }, alice.as);
    expect(await harness.servers.testConnection({ serverId }, alice.as)).toMatchObject({ success: true });
    serverIds.push(serverId);
  }
  const database = { name: randomUUID(), dimension: 3, serverId: serverIds[0] };
  const { id: databaseId } = await harness.databases.createDatabase({ database }, alice.as);
  await harness.databases.createPlacement({ databaseId, placement: { serverId: serverIds[1] } }, alice.as);
  const untilInSync = async (): Promise<void> => {
    await eventually(
      async () => {
        const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
        expect(placements.map(({ state, lag }) => [state, lag])).toEqual([
          [Placement_State.IN_SYNC, 0],
          [Placement_State.IN_SYNC, 0],
        ]);
      },
      { timeoutMs: 90_000 },
    );
  };
  await untilInSync();
  return { harness, alice, databaseId, untilInSync };
}

/** Writes, deletes and reads until it is over; each client has records of its own. */
async function startClient(stand: Stand, client: number, checker: HistoryChecker, count: () => boolean): Promise<void> {
  const { harness, alice, databaseId } = stand;
  const options = { ...alice.as, timeoutMs: 4_000 };
  let token = '';
  for (let version = 1; count(); version++) {
    const id = `c${client}-${version % IDS_EACH}`;
    const isDelete = version % 7 === 0;
    const written = isDelete ? undefined : version;
    checker.began(id, written);
    const record = { id, vector: [1, version, 2], metadata: { version } };
    const writing = isDelete
      ? harness.records.deleteRecords({ databaseId, ids: [id] }, options)
      : harness.records.upsertRecords({ databaseId, records: [record] }, options);
    const answer = await writing.catch(() => undefined);
    if (answer) {
      token = answer.token;
      checker.acknowledged(id, written);
    }
    if (!count()) return;
    await readAll(
      stand,
      checker,
      Array.from({ length: IDS_EACH }, (_, n) => `c${client}-${n}`),
      token,
    ).catch(() => {});
    await pause(20);
  }
}

async function readAll({ harness, alice, databaseId }: Stand, checker: HistoryChecker, ids: string[], token: string) {
  const { records } = await harness.records.fetchRecords({ databaseId, ids, token }, { ...alice.as, timeoutMs: 4_000 });
  const versions = new Map(records.map(({ id, metadata }) => [id, Number(metadata?.version)]));
  if (versions.size !== records.length) throw new Error('a record was answered twice');
  for (const id of ids) checker.read(id, versions.get(id));
}

/** Kills one server after the other, as soon as there are two. */
function startKilling() {
  let kills = 0;
  let isOver = false;
  const kill = async (): Promise<void> => {
    for (; !isOver; kills++) {
      const victim = servers[kills % servers.length];
      victim?.kill();
      await victim?.start();
      await pause(KILL_MS);
    }
  };
  const killing = kill();
  return {
    count: () => kills,
    async stop() {
      isOver = true;
      await killing;
    },
  };
}

/** Told of the operations so far, and of the kills. */
type IsEnough = (operations: number, kills: number) => boolean;

async function runHistory(stand: Stand, checker: HistoryChecker, isEnough: IsEnough) {
  let operations = 0;
  const killing = startKilling();
  const count = (): boolean => !isEnough(operations++, killing.count());
  try {
    await Promise.all(Array.from({ length: CLIENTS }, (_, client) => startClient(stand, client, checker, count)));
  } finally {
    await killing.stop();
  }
  return { operations, kills: killing.count() };
}

it('no acknowledged result is lost, resurrected or stale while servers of two vendors are killed in turn', async () => {
  const stand = await newStand(vendors);
  const { harness, alice, databaseId, untilInSync } = stand;
  const checker = createHistoryChecker();
  const { operations, kills } = await runHistory(
    stand,
    checker,
    (done, killed) => done >= OPERATIONS && killed >= KILLS,
  );
  await untilInSync();
  await readAll(stand, checker, [...checker.ids], '');
  expect(checker.violations).toEqual([]);
  process.stdout.write(`${operations} operations, ${kills} kills\n`);

  const { name } = await harness.databases.verifyPlacements({ databaseId }, alice.as);
  const result = await eventually(async () => {
    const operation = await harness.operations.waitOperation({ name }, alice.as);
    expect(operation.result.case).toBe('response');
    return operation.result.case === 'response' && anyUnpack(operation.result.value, VerifyPlacementsResponseSchema);
  });
  expect(result).toMatchObject({ equal: true });
  await harness.close();
}, 600_000);

it('a connector that confirms what its server never took is found out (mutant)', async () => {
  const stand = await newStand({
    ...vendors,
    async open(server, secrets) {
      const connector = await vendors.open(server, secrets);
      const upsert: typeof connector.upsert = async (collection, records, options) =>
        connector.upsert(collection, records, options).catch(() => ({ accepted: records.length, failed: [] }));
      return new Proxy(connector, {
        get: (target, name) => {
          const member: unknown = name === 'upsert' ? upsert : Reflect.get(target, name, target);
          return typeof member === 'function' ? member.bind(target) : member;
        },
      });
    },
  });
  const checker = createHistoryChecker();
  await runHistory(stand, checker, (done) => checker.violations.length > 0 || done >= 5 * OPERATIONS);
  expect(checker.violations.length).toBeGreaterThan(0);
  await stand.harness.close();
}, 600_000);
