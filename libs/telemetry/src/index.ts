export { createLogger, LOG_LEVELS, type Logger, type LoggerOptions, type LogLevel } from './logger.ts';
export { createMetrics, type GaugeSpec, type HistogramSpec, type MetricSpec, type Metrics } from './metrics.ts';
export { REDACTED, scrubLine, scrubText } from './redaction.ts';
export { type HeaderCarrier, injectTrace, startTracing, type Tracing, withServerSpan, withSpan } from './tracing.ts';
