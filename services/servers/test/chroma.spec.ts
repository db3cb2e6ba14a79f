import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromJson } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createEgress } from '@morag/egress';
import { type EmbeddedChroma, startEmbeddedChroma } from '@morag/embedded';
import { Database_Metric } from '@morag/gen/morag/servers/v1/database_pb.ts';
import { FilterSchema } from '@morag/gen/morag/servers/v1/record_pb.ts';
import { Server_DatabaseType } from '@morag/gen/morag/servers/v1/server_pb.ts';
import { TestConnectionResponse_Failure_Phase } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { freePort } from '@morag/testing';
import { createRegistryVendors } from '../src/modules/connector/registry-vendors.ts';
import { record, refusal } from './data.ts';
import { type Caller, type Harness, startServers } from './harness.ts';

let folder: string;
let chroma: EmbeddedChroma;
let port: number;
let harness: Harness;
let alice: Caller;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'morag-servers-chroma-'));
  port = await freePort();
  chroma = await startEmbeddedChroma({ folder, port });
  harness = await startServers({ vendors: createRegistryVendors(createEgress({ allow: [], embedded: true })) });
  alice = await harness.newUser();
});

afterAll(async () => {
  await harness.close();
  await chroma.stop();
  rmSync(folder, { recursive: true, force: true });
});

const server = () => ({ name: 'chroma', type: Server_DatabaseType.CHROMA, host: '127.0.0.1', port });

describe('a real Chroma', () => {
  it('is described, tested and refused for what is wrong with it', async () => {
    const { servers } = harness;
    const { serverTypes } = await servers.listServerTypes({}, alice.as);
    const described = serverTypes.find(({ type }) => type === Server_DatabaseType.CHROMA);
    expect(described).toMatchObject({ available: true, displayName: 'Chroma', defaultPort: 8000 });
    expect(Object.keys((described?.configSchema?.properties ?? {}) as object)).toContain('timeoutMs');
    const tried = await servers.testConnection({ server: server() }, alice.as);
    expect(tried).toMatchObject({ success: true, serverInfo: { version: '1.0.0' } });
    const closed = await servers.testConnection({ server: { ...server(), port: await freePort() } }, alice.as);
    expect(closed).toMatchObject({ success: false, failure: { phase: TestConnectionResponse_Failure_Phase.TCP } });
    const metadata = await servers.testConnection({ server: { ...server(), host: '169.254.169.254' } }, alice.as);
    expect(metadata.failure?.phase).toBe(TestConnectionResponse_Failure_Phase.EGRESS);
    const wrong = servers.createServer({ server: { ...server(), config: { timeoutMS: 1 } } }, alice.as);
    expect(await refusal(wrong)).toEqual({ reason: 'INVALID_SERVER_CONFIG', fields: ['server.config.timeoutMS'] });
  });

  it('holds a database', async () => {
    const { servers, databases, records } = harness;
    const { id: serverId } = await servers.createServer({ server: server() }, alice.as);
    await servers.testConnection({ serverId }, alice.as);
    const { id: databaseId } = await databases.createDatabase(
      { database: { name: 'd', dimension: 3, metric: Database_Metric.EUCLIDEAN, serverId } },
      alice.as,
    );
    const many = Array.from({ length: 600 }, (_, n) => record(`r${n}`, { x: n, metadata: { n: n % 3 } }));
    const { token } = await records.upsertRecords({ databaseId, records: many }, alice.as);
    const filter = fromJson(FilterSchema, { field: 'n', op: 'EQ', value: 0 });
    const query = { databaseId, vector: [600, 0.5, 0.25], topK: 3, token, filter, includeVector: true };
    const { hits } = await records.queryRecords(query, alice.as);
    expect(hits.map(({ id }) => id)).toEqual(['r597', 'r594', 'r591']);
    expect(hits[0]).toMatchObject({ vector: [597, 0.5, 0.25], text: 'text of r597', metadata: { n: 0 } });
    expect(hits[0]?.score).toBeCloseTo(1 / (1 + 9), 4);
    expect((await records.deleteRecords({ databaseId, filter }, alice.as)).deleted).toBe(200);
    expect((await records.countRecords({ databaseId }, alice.as)).count).toBe(400);
    const first = await records.scrollRecords({ databaseId, pageSize: 300 }, alice.as);
    const page = { databaseId, pageSize: 300, pageToken: first.nextPageToken };
    expect((await records.scrollRecords(page, alice.as)).records).toHaveLength(100);
    await databases.deleteDatabase({ databaseId }, alice.as);
    expect((await harness.collections.listCollections({ serverId }, alice.as)).collections).toEqual([]);
  });
});
