import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { records } from '@morag/connectors-conformance';
import type { ServerSettings, VectorConnector } from '@morag/connectors-core';
import { pinecone } from '@morag/connectors-pinecone';
import { type PineconeStandIn, startPineconeStandIn } from '@morag/connectors-stand-ins';
import { createEgress } from '@morag/egress';

const API_KEY = 'pcsk-of-the-remedies';
const SPEC = { dimension: 4, metric: 'cosine' } as const;
const egress = createEgress({ allow: [], embedded: true });
const opened: VectorConnector[] = [];
let standIn: PineconeStandIn;

beforeAll(async () => {
  standIn = await startPineconeStandIn({ apiKey: API_KEY });
});

afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  await standIn.stop();
});

/** Without a gateway: records go to the host that the control plane describes. */
function open(
  config: Record<string, unknown> = {},
  changes: Partial<ServerSettings> = {},
  by = egress,
): VectorConnector {
  const { host, port } = standIn;
  const settings: ServerSettings = { host, port, tls: 'DISABLED', apiKey: API_KEY, config, ...changes };
  const connector = pinecone.create(settings, pinecone.options.parse(config), { egress: by });
  opened.push(connector);
  return connector;
}

async function collection(connector: VectorConnector, name: string): Promise<string> {
  await connector.createCollection({ ...SPEC, name, ifNotExists: true });
  return name;
}

describe('what the SDK loses', () => {
  it('is told: 429 with its Retry-After, 403, and the text of 500', async () => {
    const connector = open({ retries: 0 });
    const name = await collection(connector, 'lost');
    try {
      standIn.set({ kind: 'status', status: 429, retryAfterSeconds: 7, only: /query/ });
      await expect(connector.query(name, { vector: [1, 0, 0, 0], topK: 1 })).rejects.toMatchObject({
        category: 'rate_limited',
        retryAfterMs: 7_000,
      });
      standIn.set({ kind: 'status', status: 403 });
      await expect(connector.count(name)).rejects.toMatchObject({ category: 'permission_denied', httpStatus: 403 });
      standIn.set({ kind: 'status', status: 500 });
      const failed = connector.listCollections();
      await expect(failed).rejects.toMatchObject({ category: 'internal', message: 'The service is in trouble.' });
    } finally {
      standIn.set({ kind: 'none' });
    }
  });

  it('keeps the deadline, which the SDK knows nothing of', async () => {
    const connector = open();
    standIn.set({ kind: 'slow', delayMs: 3_000 });
    try {
      await expect(connector.ping({ timeoutMs: 200 })).rejects.toMatchObject({ category: 'timeout' });
    } finally {
      standIn.set({ kind: 'none' });
    }
  });
});

describe('answers that are not what they should be', () => {
  it('are unavailable when they break off', async () => {
    const connector = open({ retries: 0 });
    const name = await collection(connector, 'truncated');
    await connector.upsert(name, records(3, 4));
    standIn.set({ kind: 'truncated' });
    try {
      await expect(connector.fetch(name, ['r0'])).rejects.toMatchObject({ category: 'unavailable' });
    } finally {
      standIn.set({ kind: 'none' });
    }
    expect((await connector.fetch(name, ['r0'])).records).toHaveLength(1);
  });

  it('are protocol when vectors lack a dimension', async () => {
    const connector = open();
    const name = await collection(connector, 'dimension');
    await connector.upsert(name, records(3, 4));
    standIn.set({ kind: 'wrongDimension' });
    try {
      await expect(connector.fetch(name, ['r0'], { vector: true })).rejects.toMatchObject({ category: 'protocol' });
    } finally {
      standIn.set({ kind: 'none' });
    }
  });
});

describe('the host that is described for an index', () => {
  it('is refused where the egress rules deny it', async () => {
    const name = await collection(open(), 'denied');
    const headers = { 'api-key': API_KEY, 'x-pinecone-api-version': '2026-07' };
    const described = (await (await fetch(`${standIn.url}/indexes/${name}`, { headers })).json()) as { host: string };
    const { hostname, port } = new URL(described.host);
    const denying = createEgress({ allow: [], deny: [{ host: hostname, port: Number(port) }], embedded: true });
    const connector = open({}, {}, denying);
    expect((await connector.describeCollection(name)).name).toBe(name);
    await expect(connector.count(name)).rejects.toMatchObject({ category: 'host_denied' });
  });

  it('is refused where it is neither the registered one nor in a domain that is allowed', async () => {
    const name = await collection(open(), 'bound');
    // The same server under another name than the one it describes.
    const elsewhere = open({}, { host: 'localhost' });
    expect((await elsewhere.describeCollection(name)).name).toBe(name);
    await expect(elsewhere.count(name)).rejects.toMatchObject({ category: 'host_denied' });
  });

  it('is looked up again when the collection was made anew', async () => {
    const [one, other] = [open(), open()];
    const name = await collection(one, 'anew');
    await one.upsert(name, records(2, 4));
    await other.deleteCollection(name);
    await other.createCollection({ name, dimension: 3, metric: 'euclidean' });
    expect(await one.count(name)).toBe(0);
    await one.upsert(name, records(1, 3));
    await other.deleteCollection(name);
    await expect(one.count(name)).rejects.toMatchObject({ category: 'not_found' });
  });
});

describe('eventual consistency', () => {
  const query = { vector: [1, 0, 0, 0], topK: 1 };

  it('is waited for by a write, unless it is told not to be', async () => {
    standIn.setLags({ writeMs: 300 });
    try {
      const patient = open();
      const name = await collection(patient, 'patient');
      await patient.upsert(name, [{ id: 'a', vector: [1, 0, 0, 0] }]);
      expect(await patient.query(name, query)).toHaveLength(1);
      await patient.deleteByIds(name, ['a']);
      expect(await patient.count(name)).toBe(0);

      standIn.setLags({ writeMs: 60_000 });
      const hasty = open({ consistency: 'eventual' });
      const { writeToken } = await hasty.upsert(name, [{ id: 'b', vector: [1, 0, 0, 0] }]);
      expect(await hasty.query(name, query)).toHaveLength(0);
      standIn.setLags({ writeMs: 300 });
      expect(await patient.query(name, { ...query, afterWrite: writeToken })).toHaveLength(1);
    } finally {
      standIn.setLags({ writeMs: 0 });
    }
  });

  it('does not fail a write that is not seen in time, but a query that was to see it', async () => {
    standIn.setLags({ writeMs: 60_000 });
    try {
      const connector = open();
      const name = await collection(connector, 'late');
      const { writeToken } = await connector.upsert(name, records(1, 4), { timeoutMs: 12_000 });
      expect(writeToken).toEqual(expect.any(String));
      const seeing = { ...query, afterWrite: writeToken };
      await expect(connector.query(name, seeing, { timeoutMs: 300 })).rejects.toMatchObject({ category: 'timeout' });
    } finally {
      standIn.setLags({ writeMs: 0 });
    }
  });

  it('refuses a token of another collection', async () => {
    const connector = open();
    const [one, other] = [await collection(connector, 'tokens-1'), await collection(connector, 'tokens-2')];
    const { writeToken } = await connector.upsert(one, records(1, 4));
    await expect(connector.query(other, { ...query, afterWrite: writeToken })).rejects.toMatchObject({
      category: 'invalid_argument',
    });
  });
});

describe('limits of the service', () => {
  it('fetches what does not fit into the 4 MB of one answer', async () => {
    const connector = open();
    const name = await collection(connector, 'large');
    const document = 'x'.repeat(30_000);
    const given = records(200, 4).map((record) => ({ ...record, document }));
    await connector.upsert(name, given);
    const hits = await connector.query(name, { vector: [1, 1, 1, 1], topK: 200 });
    expect(hits.map((hit) => hit.document?.length)).toEqual(given.map(() => document.length));
  });

  it('says before it writes anything that a record is too large', async () => {
    const connector = open();
    const name = await collection(connector, 'too-large');
    const large = { id: 'large', vector: [1, 0, 0, 0], document: 'x'.repeat(50_000) };
    await expect(connector.upsert(name, [...records(3, 4), large])).rejects.toMatchObject({
      category: 'payload_too_large',
      message: expect.stringContaining('40960'),
    });
    expect(await connector.count(name)).toBe(0);
  });

  it('finds by words the document whose words have no room beside it', async () => {
    const connector = open();
    const name = await collection(connector, 'wordless');
    const words = Array.from({ length: 4_000 }, (_, at) => `w${at}`).join(' ');
    await connector.upsert(name, [
      { id: 'long', vector: [0, 0, 0, 1], document: `${words} needle` },
      ...records(60, 4),
    ]);
    const hits = await connector.hybridQuery(name, { vector: [1, 0, 0, 0], text: 'needle', topK: 1, vectorWeight: 0 });
    expect(hits.map(({ id }) => id)).toEqual(['long']);
  });

  it('tells the size of the namespace', async () => {
    const connector = open();
    const name = await collection(connector, 'sizes');
    expect(await connector.stats(name)).toEqual({ records: 0, sizeBytes: 0 });
    await connector.upsert(name, records(3, 4));
    expect(await connector.stats(name)).toEqual({ records: 3, sizeBytes: expect.any(Number) });
  });

  it('deletes from a namespace that does not exist yet, which the service answers with 404', async () => {
    const connector = open({ namespace: 'nothing-yet' });
    const name = await collection(connector, 'empty');
    await connector.deleteByIds(name, ['a']);
    expect(await connector.deleteByFilter(name, { and: [] })).toEqual({ deleted: 0 });
  });

  it('recognises what the attempt before has created', async () => {
    const connector = open();
    standIn.set({ kind: 'truncated', once: true });
    const made = await connector.createCollection({ ...SPEC, name: 'created-once' });
    expect(made).toMatchObject({ name: 'created-once', state: 'ready' });
    await expect(connector.createCollection({ ...SPEC, name: 'created-once' })).rejects.toMatchObject({
      category: 'already_exists',
    });
  });

  it('asks for a key before anything is sent', async () => {
    await expect(open({}, { apiKey: undefined }).ping()).rejects.toMatchObject({ category: 'unauthenticated' });
  });
});
