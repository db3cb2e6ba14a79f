import { type Attributes, context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

/** See startTracing. */
export interface Tracing {
  /** Sends what is pending, for two seconds at most, and ends. */
  stop(): Promise<void>;
}

/** Whether spans are recorded in this process; without, every helper here costs one comparison. */
let enabled = false;

/** For one export with its repetitions, so that stopping never waits longer than this either. */
const EXPORT_MS_MAX = 2_000;

/**
 * Sends traces to an OTLP/HTTP endpoint (`http://collector:4318`). Called once per process, by its entry point. Without
 * an endpoint nothing is loaded and nothing is recorded.
 */
export async function startTracing({ service, endpoint }: { service: string; endpoint?: string }): Promise<Tracing> {
  if (endpoint === undefined) return { stop: async () => {} };
  const [{ NodeTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [
      new BatchSpanProcessor(
        new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces`, timeoutMillis: EXPORT_MS_MAX }),
      ),
    ],
  });
  provider.register();
  enabled = true;
  return {
    async stop() {
      enabled = false;
      // A collector that is away must not keep the process from ending.
      await provider.shutdown().catch(() => {});
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

/** Headers of an incoming or outgoing call; `Headers` fits. */
export interface HeaderCarrier {
  get(name: string): string | null;
  set(name: string, value: string): void;
  keys(): Iterable<string>;
}

/** Writes the W3C trace context (`traceparent`, `tracestate`) of the running span into the headers of an outgoing call. */
export function injectTrace(headers: HeaderCarrier): void {
  if (!enabled) return;
  propagation.inject(context.active(), headers, { set: (carrier, key, value) => carrier.set(key, value) });
}

/** Runs `work` in a span that continues the trace named in an incoming call's headers. */
export async function withServerSpan<T>(
  name: string,
  headers: HeaderCarrier,
  attributes: Attributes,
  work: () => Promise<T>,
): Promise<T> {
  if (!enabled) return work();
  const parent = propagation.extract(context.active(), headers, {
    get: (carrier, key) => carrier.get(key) ?? undefined,
    keys: (carrier) => [...carrier.keys()],
  });
  const options = { kind: SpanKind.SERVER, attributes };
  return trace.getTracer('morag').startActiveSpan(name, options, parent, (span) => ending(span, work));
}

/** Runs `work` in a span inside the running one. */
export async function withSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  if (!enabled) return work();
  return trace.getTracer('morag').startActiveSpan(name, { attributes }, (span) => ending(span, work));
}

async function ending<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // The error's text stays out of the trace: it may hold a caller's data. Its class is enough to group by.
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
    throw error;
  } finally {
    span.end();
  }
}
