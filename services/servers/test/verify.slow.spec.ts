import { randomUUID } from 'node:crypto';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { VectorConnector, VectorRecord } from '@morag/connectors-core';
import { createEgress } from '@morag/egress';
import { Placement_Role, Placement_State } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { VerifyPlacementsResponseSchema } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { eventually } from '@morag/testing';
import { createRegistryVendors } from '../src/modules/connector/registry-vendors.ts';
import { altered } from './altered-connector.ts';
import { record } from './data.ts';
import { startServers } from './harness.ts';
import { type RealServer, startRealServer } from './real-servers.ts';

const vendors = createRegistryVendors(createEgress({ allow: [], embedded: true }));
const RECORDS = 60;
const CALL = { timeoutMs: 10_000 };

let chroma: RealServer;
let postgres: RealServer;

beforeAll(async () => {
  [chroma, postgres] = await Promise.all([startRealServer('chroma'), startRealServer('pgvector')]);
}, 180_000);

afterAll(async () => {
  await Promise.all([chroma.remove(), postgres.remove()]);
}, 60_000);

/** What stands in a connector's place; `isReplica` on PostgreSQL. */
type Change = (connector: VectorConnector, isReplica: boolean) => VectorConnector;

/** A database with its primary on Chroma and a replica on PostgreSQL, and a way to the replica behind our back. */
async function newStand(change: Change = (connector) => connector) {
  let back: VectorConnector | undefined;
  const open: typeof vendors.open = async (server, secrets) => {
    const isReplica = server.port === postgres.port;
    const connector = await vendors.open(server, secrets);
    if (isReplica) back = connector;
    return change(connector, isReplica);
  };
  const harness = await startServers({ vendors: { ...vendors, open } });
  const alice = await harness.newUser();
  const register = async ({ registration, port }: RealServer): Promise<string> => {
    const server = { ...registration, name: randomUUID(), port };
    const { id: serverId } = await harness.servers.createServer({ server }, alice.as);
    expect(await harness.servers.testConnection({ serverId }, alice.as)).toMatchObject({ success: true });
    return serverId;
  };
  const database = { name: randomUUID(), dimension: 3, serverId: await register(chroma) };
  const { id: databaseId } = await harness.databases.createDatabase({ database }, alice.as);
  const copy = { databaseId, placement: { serverId: await register(postgres) } };
  await harness.databases.createPlacement(copy, alice.as);
  const replica = async () => {
    const { placements } = await harness.databases.listPlacements({ databaseId }, alice.as);
    expect(placements.map(({ state, lag }) => [state, lag])).toEqual([
      [Placement_State.IN_SYNC, 0],
      [Placement_State.IN_SYNC, 0],
    ]);
    return placements.find(({ role }) => role === Placement_Role.REPLICA);
  };
  const untilInSync = () => eventually(replica, { timeoutMs: 60_000 });
  await untilInSync();
  const write = async (ids: readonly string[]): Promise<void> => {
    const records = ids.map((id, n) => record(id, { x: n }));
    await harness.records.upsertRecords({ databaseId, records }, alice.as);
    await untilInSync();
  };
  return {
    write,
    async verify(repair = false) {
      const { name } = await harness.databases.verifyPlacements({ databaseId, repair }, alice.as);
      return eventually(
        async () => {
          const { result } = await harness.operations.waitOperation({ name }, alice.as);
          expect(result.case).toBe('response');
          return result.case === 'response' ? anyUnpack(result.value, VerifyPlacementsResponseSchema) : undefined;
        },
        { timeoutMs: 60_000 },
      );
    },
    async quarantined() {
      const placement = await untilInSync();
      const request = { databaseId, placementId: placement?.id ?? '' };
      const { records } = await harness.databases.listQuarantinedRecords(request, alice.as);
      return records.map(({ recordId, reason }) => ({ recordId, reason }));
    },
    /** Changes the replica's collection without telling anybody. */
    async tamper(work: (connector: VectorConnector, collection: string) => Promise<unknown>): Promise<void> {
      const placement = await untilInSync();
      if (back) await work(back, placement?.collection ?? '');
    },
    async close() {
      await harness.databases.deleteDatabase({ databaseId }, alice.as);
      await harness.close();
    },
  };
}

const IDS = Array.from({ length: RECORDS }, (_, n) => `r${n}`);

/** One record is gone, one has another vector, one is of nobody's. */
async function damage(connector: VectorConnector, collection: string): Promise<void> {
  const other = (id: string): VectorRecord => {
    return { id, vector: Float32Array.of(-1, 2, 3), metadata: {}, document: `text of ${id}` };
  };
  await connector.deleteByIds(collection, ['r1'], CALL);
  await connector.upsert(collection, [other('r2'), other('stray')], CALL);
}

describe('a comparison of real servers', () => {
  it('finds what was changed behind our back, and mends it', async () => {
    const stand = await newStand();
    await stand.write(IDS);
    expect(await stand.verify()).toMatchObject({ equal: true, missing: 0, extra: 0, different: 0 });
    await stand.tamper(damage);
    const found = await stand.verify(true);
    expect(found).toMatchObject({ equal: true, missing: 1, extra: 1, different: 1 });
    expect(found?.examples.toSorted()).toEqual(['different:r2', 'extra:stray', 'missing:r1']);
    expect(await stand.verify()).toMatchObject({ equal: true, missing: 0, extra: 0, different: 0 });
    await stand.close();
  }, 180_000);

  it('that compares no vectors does not (mutant)', async () => {
    const blind = (read: object): object => ({ ...read, vector: Float32Array.of(1, 1, 1) });
    const stand = await newStand((connector) =>
      altered(connector, {
        async scan(...args) {
          const page = await connector.scan(...args);
          return { ...page, records: page.records.map((read) => blind(read) as typeof read) };
        },
      }),
    );
    await stand.write(IDS);
    await stand.tamper(damage);
    expect((await stand.verify())?.examples).not.toContain('different:r2');
    await stand.close();
  }, 180_000);
});

describe('a real server that refuses one record (F18)', () => {
  /** Asks the server for the others only; what is said of the one is up to `isHonest`. */
  const refusing = (isHonest: boolean): Change => {
    return (connector, isReplica) =>
      altered(connector, {
        async upsert(collection, records, options) {
          const others = records.filter(({ id }) => !isReplica || id !== 'r7');
          const result =
            others.length > 0 ? await connector.upsert(collection, others, options) : { accepted: 0, failed: [] };
          if (others.length === records.length) return result;
          if (!isHonest) return { ...result, accepted: records.length };
          return { ...result, failed: [...result.failed, { id: 'r7', message: 'no room for it' }] };
        },
      });
  };

  it('has it set apart with its reason, and the rest flows', async () => {
    const stand = await newStand(refusing(true));
    await stand.write(IDS);
    expect(await stand.quarantined()).toEqual([{ recordId: 'r7', reason: 'no room for it' }]);
    expect(await stand.verify()).toMatchObject({ equal: false, examples: ['missing:r7'] });
    await stand.close();
  }, 180_000);

  it('is found out by a comparison where the refusal is not told (mutant)', async () => {
    const stand = await newStand(refusing(false));
    await stand.write(IDS);
    expect(await stand.quarantined()).toEqual([]);
    expect(await stand.verify()).toMatchObject({ equal: false, examples: ['missing:r7'] });
    await stand.close();
  }, 180_000);
});
