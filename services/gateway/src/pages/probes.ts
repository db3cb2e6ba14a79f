import { createClient, type Transport } from '@connectrpc/connect';
import { Health, HealthCheckResponse_ServingStatus } from '@morag/gen/grpc/health/v1/health_pb.ts';
import type { Metrics } from '@morag/telemetry';
import { type Page, page } from '../http/page.ts';

/** See probePages. */
export interface ProbeParts {
  readonly transports: Readonly<Partial<Record<string, Transport>>>;
  readonly metrics: Metrics;
}

/** Body of `/readyz`. */
interface Readiness {
  readonly ready: boolean;
  readonly service: 'gateway';
  readonly checks: Readonly<Record<string, boolean>>;
  /** Names of the services that do not answer, or say that they do not serve. */
  readonly failed: readonly string[];
}

// Orchestrators give a probe about a second.
const HEALTH_MS = 1_000;

/** `/livez`, `/readyz` (asks every service behind) and `/metrics`. */
export function probePages({ transports, metrics }: ProbeParts): Page[] {
  const readiness = shared(() => askAll(transports));
  return [
    page('/livez', () => ({ live: true })),
    page('/readyz', async (_request, reply) => {
      const state = await readiness();
      return reply.code(state.ready ? 200 : 503).send(state);
    }),
    page('/metrics', async (_request, reply) =>
      reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(await metrics.text()),
    ),
  ];
}

async function askAll(transports: ProbeParts['transports']): Promise<Readiness> {
  const answers = Object.entries(transports).map(async ([name, transport]) => [
    name,
    transport !== undefined && (await isServing(transport)),
  ]);
  const checks = Object.fromEntries(await Promise.all(answers)) as Record<string, boolean>;
  const failed = Object.keys(checks).filter((name) => !checks[name]);
  return { ready: failed.length === 0, service: 'gateway', checks, failed };
}

async function isServing(transport: Transport): Promise<boolean> {
  try {
    const { status } = await createClient(Health, transport).check({}, { timeoutMs: HEALTH_MS });
    return status === HealthCheckResponse_ServingStatus.SERVING;
  } catch {
    return false;
  }
}

/** Callers at the same time share one run. */
function shared<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  };
}
