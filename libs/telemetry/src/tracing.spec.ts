import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { injectTrace, startTracing, withServerSpan, withSpan } from './tracing.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const incoming = (): Headers => new Headers({ traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` });

let collector: Server;
let endpoint: string;
let bodies: string[];

beforeEach(async () => {
  bodies = [];
  collector = createServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(`${request.url} ${body}`);
      response.end('{}');
    });
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const address = collector.address();
  endpoint = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/`;
});

afterEach(async () => {
  collector.closeAllConnections();
  await new Promise((resolve) => collector.close(resolve));
});

it('continues the trace of an incoming call into outgoing ones, and sends its spans', async () => {
  const tracing = await startTracing({ service: 'servers', endpoint });
  const outgoing = new Headers();
  await withServerSpan('a.B/Get', incoming(), { 'rpc.system': 'connect' }, () =>
    withSpan('inner', {}, async () => injectTrace(outgoing)),
  );
  await tracing.stop();
  expect(outgoing.get('traceparent')).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-01$`));
  const sent = bodies.join('\n');
  expect(sent).toMatch(/^\/v1\/traces /);
  for (const part of [TRACE_ID, '"a.B/Get"', '"inner"', '"servers"', '"rpc.system"']) expect(sent).toContain(part);
});

it('marks a failed span with the class of its error, not with its text', async () => {
  const tracing = await startTracing({ service: 'servers', endpoint });
  const failing = withServerSpan('a.B/Get', incoming(), {}, async () => {
    throw new TypeError('a secret of the caller');
  });
  await expect(failing).rejects.toThrow(TypeError);
  await tracing.stop();
  const sent = bodies.join('\n');
  expect(sent).toContain('TypeError');
  expect(sent).not.toContain('a secret of the caller');
});

it('does nothing without an endpoint', async () => {
  const tracing = await startTracing({ service: 'servers' });
  const outgoing = new Headers();
  const result = await withServerSpan('a.B/Get', incoming(), {}, async () => {
    injectTrace(outgoing);
    return 'answer';
  });
  await tracing.stop();
  expect([result, [...outgoing]]).toEqual(['answer', []]);
});

it('ends in time although the collector is away', async () => {
  const tracing = await startTracing({ service: 'servers', endpoint: 'http://127.0.0.1:1' });
  await withSpan('lost', {}, async () => {});
  const start = performance.now();
  await tracing.stop();
  expect(performance.now() - start).toBeLessThan(15_000);
});
