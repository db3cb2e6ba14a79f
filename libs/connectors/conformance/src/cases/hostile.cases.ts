import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { ServerSettings, VectorConnector } from '@morag/connectors-core';
import { type CaseContext, type ConformanceCase, rejects } from '../conformance-case.ts';
import { answerRaw, type RawAnswer } from '../faults/http.ts';
import { listen } from '../faults/tcp.ts';
import type { Harness } from '../harness.ts';

/** No answer is waited for; what fails for another reason than time must not run out of it on a machine that is busy. */
const TIMEOUT_MS = 30_000;

const notHttp = (_: unknown, { http }: Harness) => !http && "the suite does not speak this vendor's protocol";

/** Answers that nobody must choke on, and none of which this vendor would give. */
const ANSWERS: Readonly<Record<string, RawAnswer>> = {
  'no end announced': { body: '[', length: 1e15 },
  'nested without end': { body: `${'['.repeat(200_000)}${']'.repeat(200_000)}` },
  'objects without end': { body: `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}` },
  'a compressed bomb': { body: gzipSync(Buffer.alloc(1e7)), headers: { 'content-encoding': 'gzip' } },
  'a redirect': { status: 307, body: '', headers: { location: 'http://169.254.169.254/latest' } },
  'no JSON': { body: '<!doctype html><title>Router</title>', headers: { 'content-type': 'text/html' } },
  'a number': { body: '7' },
  'a text': { body: '"ok"' },
  nothing: { body: 'null' },
  'a list of numbers': { body: '[1,2]' },
};

async function openOn({ open, defer }: CaseContext, answer: RawAnswer, overrides: Partial<ServerSettings> = {}) {
  const server = await listen(answerRaw(answer));
  defer(server.close);
  return open({ host: server.host, port: server.port, ...overrides });
}

export const HOSTILE_CASES: readonly ConformanceCase[] = [
  {
    id: 73,
    title: 'what answers with something else, or without end, is protocol',
    skip: notHttp,
    async run(context) {
      for (const [what, answer] of Object.entries(ANSWERS)) {
        const connector = await openOn(context, answer);
        for (const call of [
          (to: VectorConnector) => to.ping({ timeoutMs: TIMEOUT_MS }),
          (to: VectorConnector) => to.listCollections({}, { timeoutMs: TIMEOUT_MS }),
          (to: VectorConnector) => to.query('any', { vector: [1], topK: 1 }, { timeoutMs: TIMEOUT_MS }),
        ]) {
          await rejects(call(connector), 'protocol').catch((error: Error) => assert.fail(`${what}: ${error.message}`));
        }
      }
    },
  },
  {
    id: 74,
    title: "a server's own text is shown short, clean and without secrets",
    skip: notHttp,
    async run(context) {
      const [secret = ''] = context.harness.secrets;
      const text = `\u001b[31mbad\u202e key ${secret} ${'x'.repeat(100_000)} ${secret}\r\n`;
      const body = JSON.stringify({ error: text, message: text, status: { error: text } });
      for (const status of [400, 500]) {
        const connector = await openOn(context, { status, body }, { apiKey: secret, password: secret });
        const category = status === 400 ? 'invalid_argument' : 'internal';
        const error = await rejects(connector.listCollections(), category);
        assert.ok(Buffer.byteLength(error.message) <= 2_048, `${error.message.length} characters`);
        assert.doesNotMatch(error.message, /[\p{Cc}\u202e]/u);
        assert.ok(!inspect(error).includes(secret), 'the secret is shown');
      }
    },
  },
];
