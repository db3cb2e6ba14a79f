import assert from 'node:assert/strict';
import { freePort } from '@morag/embedded/port.ts';
import { type ConformanceCase, endsWithin, rejects } from '../conformance-case.ts';
import { listen } from '../faults/tcp.ts';

const TIMEOUT_MS = 400;

export const SERVER_CASES: readonly ConformanceCase[] = [
  {
    id: 1,
    title: 'ping answers',
    async run({ connector }) {
      const { latencyMs } = await connector.ping();
      assert.ok(latencyMs >= 0);
    },
  },
  {
    id: 2,
    title: 'ping on a closed port is unavailable, within 2 s',
    async run({ open }) {
      const connector = open({ host: '127.0.0.1', port: await freePort() });
      await endsWithin(2_000, () => rejects(connector.ping(), 'unavailable'));
    },
  },
  {
    id: 3,
    title: 'a black hole ends at the deadline',
    async run({ open, defer }) {
      const hole = await listen(() => {});
      defer(hole.close);
      const connector = open({ host: hole.host, port: hole.port });
      const calls = [
        () => connector.ping({ timeoutMs: TIMEOUT_MS }),
        () => connector.listCollections({}, { timeoutMs: TIMEOUT_MS }),
        () => connector.query('any', { vector: [1, 2, 3, 4], topK: 1 }, { timeoutMs: TIMEOUT_MS }),
      ];
      for (const call of calls) await endsWithin(TIMEOUT_MS + 500, () => rejects(call(), 'timeout'));
    },
  },
  {
    id: 4,
    title: 'wrong credentials are unauthenticated',
    skip: (_, { wrongCredentials }) => !wrongCredentials && 'this server checks no credentials',
    async run({ open, harness }) {
      const error = await rejects(open(harness.wrongCredentials).ping(), 'unauthenticated');
      assert.equal(error.retryable, false);
    },
  },
  {
    id: 5,
    title: 'info has a version',
    async run({ connector, harness }) {
      const info = await connector.info();
      assert.equal(info.vendor, harness.vendor);
      assert.match(info.version, /\d+[.-]\d+/);
      return info.version;
    },
  },
];
