import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { registerProcessMetrics } from './process-metrics.ts';

/** Name, help text and label names of a metric; the name carries its unit (`_seconds`, `_bytes`, `_total`). */
export interface MetricSpec<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly Label[];
}

/** See Metrics.histogram. */
export interface HistogramSpec<Label extends string> extends MetricSpec<Label> {
  /** Upper bounds in the metric's unit. */
  readonly buckets?: readonly number[];
}

/** See Metrics.gauge. */
export interface GaugeSpec<Label extends string> extends MetricSpec<Label> {
  /** Sets the value when the metrics are read, instead of whenever it changes. */
  readonly collect?: (gauge: Gauge<Label>) => void | Promise<void>;
}

/** The metrics of one service: a registry of its own, so that several services can share a process. */
export interface Metrics {
  readonly registry: Registry;
  counter<Label extends string = never>(spec: MetricSpec<Label>): Counter<Label>;
  histogram<Label extends string = never>(spec: HistogramSpec<Label>): Histogram<Label>;
  gauge<Label extends string = never>(spec: GaugeSpec<Label>): Gauge<Label>;
  /** Everything in the text format of Prometheus. */
  text(): Promise<string>;
}

/** Seconds; from an in-process call to the longest deadline. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Creates the metrics of a service; each line carries the label `service`. */
export function createMetrics({ service }: { service: string }): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  registerProcessMetrics(registry);
  const base = <Label extends string>({ name, help, labelNames = [] }: MetricSpec<Label>) => ({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
  });
  return {
    registry,
    counter: (spec) => new Counter(base(spec)),
    histogram: (spec) => new Histogram({ ...base(spec), buckets: [...(spec.buckets ?? LATENCY_BUCKETS)] }),
    gauge: ({ collect, ...spec }) =>
      new Gauge({
        ...base(spec),
        ...(collect && {
          async collect() {
            await collect(this);
          },
        }),
      }),
    text: () => registry.metrics(),
  };
}
