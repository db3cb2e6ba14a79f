import assert from 'node:assert/strict';
import type { ServerSettings } from '@morag/connectors-core';
import { type CaseContext, type ConformanceCase, endsWithin, rejects } from '../conformance-case.ts';
import { records } from '../data.ts';
import { listen, proxyTo } from '../faults/tcp.ts';
import { BUSY_SECONDS, type Trouble } from '../harness.ts';

/** Less than a busy server asks for, and as long as can be: a call must not run into it on a machine that is busy too. */
const SHORTER_THAN_BUSY_MS = (BUSY_SECONDS - 1) * 1_000;

/** A connector whose server only ever answers with this trouble, and how often it was asked. */
async function inTrouble(
  { harness, open, defer }: CaseContext,
  trouble: Trouble,
  overrides: Partial<ServerSettings> = {},
) {
  let asked = 0;
  const stub = await listen((socket) => {
    asked++;
    harness.trouble[trouble](socket);
  });
  defer(stub.close);
  return { connector: open({ host: stub.host, port: stub.port, ...overrides }), asked: () => asked };
}

export const FAULT_CASES: readonly ConformanceCase[] = [
  {
    id: 55,
    title: 'a server that is busy is rate_limited, with the time it asks for',
    async run(context) {
      const { connector, asked } = await inTrouble(context, 'busy');
      const error = await rejects(connector.listCollections({}, { timeoutMs: SHORTER_THAN_BUSY_MS }), 'rate_limited');
      assert.equal(error.retryable, true);
      // PostgreSQL has no way to say when.
      if (error.retryAfterMs !== undefined) {
        assert.equal(error.retryAfterMs, BUSY_SECONDS * 1_000);
        assert.equal(asked(), 1, 'it came back before the time was over');
      }
    },
  },
  {
    id: 56,
    title: 'a failing server is internal or unavailable, asked a bounded number of times',
    async run(context) {
      const failing = await inTrouble(context, 'failing');
      await rejects(failing.connector.listCollections(), 'internal');
      assert.equal(failing.asked(), 1);
      const unavailable = await inTrouble(context, 'unavailable');
      await rejects(unavailable.connector.listCollections(), 'unavailable');
      assert.ok(unavailable.asked() > 1 && unavailable.asked() <= 3, `${unavailable.asked()} attempts`);
    },
  },
  {
    id: 57,
    title: 'an aborted call is cancelled at once, and the connector goes on working',
    async run({ connector, collection, harness, open, defer }) {
      const name = await collection();
      await connector.upsert(name, records(10, 4));
      const proxy = await proxyTo(harness.settings);
      defer(proxy.close);
      const through = open({ host: proxy.host, port: proxy.port });
      assert.equal(await through.count(name), 10);
      proxy.set({ kind: 'blackHole' });
      await endsWithin(1_000, async () => {
        const controller = new AbortController();
        const call = through.query(name, { vector: [1, 0, 0, 0], topK: 1 }, { signal: controller.signal });
        controller.abort();
        await rejects(call, 'cancelled');
      });
      proxy.set({ kind: 'none' });
      assert.equal(await through.count(name), 10);
    },
  },
  {
    id: 58,
    title: 'the call after a restart of the server succeeds',
    skip: (_, { restart }) => !restart && 'the suite does not own this server',
    async run({ connector, collection, harness }) {
      const name = await collection();
      await connector.upsert(name, records(10, 4));
      await harness.restart?.();
      assert.equal(await connector.count(name), 10);
      assert.equal((await connector.query(name, { vector: [1, 0, 0, 0], topK: 3 })).length, 3);
    },
  },
  {
    id: 59,
    title: 'no error shows a secret',
    async run(context) {
      const { harness, open } = context;
      const [secret = ''] = harness.secrets;
      const overrides = { apiKey: secret, username: 'someone', password: secret };
      const errors = [
        await rejects((await inTrouble(context, 'failing', overrides)).connector.listCollections(), 'internal'),
        await rejects((await inTrouble(context, 'unavailable', overrides)).connector.ping(), 'unavailable'),
        await rejects(open({ ...overrides, host: 'no-such-host.invalid' }).ping(), 'unavailable'),
      ];
      for (const error of errors) {
        for (const text of [error.message, error.stack ?? '', JSON.stringify(error)])
          assert.ok(!text.includes(secret), text);
      }
    },
  },
  {
    id: 60,
    title: 'close is final and can be repeated',
    async run({ harness }) {
      const connector = harness.open();
      await connector.ping();
      await connector.close();
      await connector.close();
      await rejects(connector.ping(), 'cancelled');
      await rejects(connector.query('any', { vector: [1], topK: 1 }), 'cancelled');
    },
  },
  {
    id: 63,
    title: 'a connection reset in mid-answer is unavailable, and the next call succeeds',
    async run({ connector, collection, harness, open, defer }) {
      const name = await collection();
      await connector.upsert(name, records(400, 4));
      const proxy = await proxyTo(harness.settings);
      defer(proxy.close);
      const through = open({ host: proxy.host, port: proxy.port });
      assert.equal(await through.count(name), 400);
      proxy.set({ kind: 'reset', afterBytes: 10 });
      await rejects(through.scan(name, { pageSize: 400 }), 'unavailable');
      proxy.set({ kind: 'none' });
      assert.equal((await through.scan(name, { pageSize: 400 })).records.length, 400);
    },
  },
  {
    id: 64,
    title: 'a slow server ends at the deadline, and no connection is left behind',
    async run({ connector, collection, harness, open, defer }) {
      const name = await collection();
      await connector.upsert(name, records(10, 4));
      const proxy = await proxyTo(harness.settings);
      defer(proxy.close);
      const through = open({ host: proxy.host, port: proxy.port });
      assert.equal(await through.count(name), 10);
      proxy.set({ kind: 'slow', delayMs: 20_000 });
      await endsWithin(1_500, () => rejects(through.count(name, undefined, { timeoutMs: 300 }), 'timeout'));
      proxy.set({ kind: 'none' });
      await through.close();
      await proxy.idle();
    },
  },
  {
    id: 71,
    title: 'a connection that has gone silent ends at the deadline, and the next call succeeds',
    async run({ connector, collection, harness, open, defer }) {
      const name = await collection();
      await connector.upsert(name, records(10, 4));
      const proxy = await proxyTo(harness.settings);
      defer(proxy.close);
      const through = open({ host: proxy.host, port: proxy.port });
      await endsWithin(1_500, async () => {
        // Only a connection that is open goes silent.
        assert.equal(await through.count(name), 10);
        proxy.set({ kind: 'halfOpen' });
        await rejects(through.count(name, undefined, { timeoutMs: 500 }), 'timeout');
      });
      assert.equal(await through.count(name, undefined, { timeoutMs: 10_000 }), 10);
    },
  },
  {
    id: 72,
    title: 'an answer that drips ends at the deadline, and the next call succeeds',
    async run({ connector, collection, harness, open, defer }) {
      const name = await collection();
      await connector.upsert(name, records(50, 4));
      const proxy = await proxyTo(harness.settings);
      defer(proxy.close);
      const through = open({ host: proxy.host, port: proxy.port });
      assert.equal(await through.count(name), 50);
      proxy.set({ kind: 'drip', everyMs: 50 });
      await endsWithin(1_700, () => rejects(through.scan(name, { pageSize: 50 }, { timeoutMs: 700 }), 'timeout'));
      proxy.set({ kind: 'none' });
      assert.equal((await through.scan(name, { pageSize: 50 })).records.length, 50);
    },
  },
];
