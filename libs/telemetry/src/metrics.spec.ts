import { expect, it } from '@jest/globals';
import { createMetrics } from './metrics.ts';

it('keeps the metrics of two services in one process apart', async () => {
  const [one, two] = ['one', 'two'].map((service) => createMetrics({ service }));
  one?.counter({ name: 'calls_total', help: 'Calls.', labelNames: ['method'] }).inc({ method: 'Get' }, 2);
  two?.counter({ name: 'calls_total', help: 'Calls.' }).inc();
  expect(await one?.text()).toContain('calls_total{method="Get",service="one"} 2');
  expect(await two?.text()).toContain('calls_total{service="two"} 1');
});

it('measures latency from a millisecond to a minute, or in buckets of the caller', async () => {
  const metrics = createMetrics({ service: 's' });
  metrics.histogram({ name: 'call_seconds', help: 'Latency.' }).observe(0.003);
  metrics.histogram({ name: 'batch_size', help: 'Records.', buckets: [1, 10] }).observe(7);
  const text = await metrics.text();
  expect(text).toContain('call_seconds_bucket{le="0.0025",service="s"} 0');
  expect(text).toContain('call_seconds_bucket{le="0.005",service="s"} 1');
  expect(text).toContain('call_seconds_bucket{le="60",service="s"} 1');
  expect(text).toContain('batch_size_bucket{le="10",service="s"} 1');
});

it('asks for a gauge when it is read', async () => {
  const metrics = createMetrics({ service: 's' });
  let depth = 1;
  metrics.gauge({ name: 'queue_depth', help: 'Waiting jobs.', collect: (gauge) => gauge.set(depth) });
  depth = 5;
  expect(await metrics.text()).toContain('queue_depth{service="s"} 5');
});

it('tells about the process', async () => {
  const text = await createMetrics({ service: 's' }).text();
  for (const name of ['process_resident_memory_bytes', 'process_cpu_seconds_total', 'nodejs_heap_size_used_bytes']) {
    expect(Number(new RegExp(`^${name}\\{service="s"\\} (\\S+)$`, 'm').exec(text)?.[1])).toBeGreaterThan(0);
  }
  expect(text).toMatch(/^nodejs_eventloop_utilization_ratio\{service="s"\} [01]/m);
});
