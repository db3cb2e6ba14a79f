import { ConnectError } from '@connectrpc/connect';
import { DomainError, reasonOf, toConnectError } from '@morag/errors';
import type { Logger, Metrics } from '@morag/telemetry';
import type { FastifyRequest } from 'fastify';
import type { FinishedRequest } from './server.ts';

/** Where requests are counted, timed and logged: one line each. */
export interface AccessLog {
  /** Notes which route a request took; its label is one of a closed list, unlike its path. */
  routed(request: FastifyRequest, route: RouteLabel): void;
  finished(finished: FinishedRequest): void;
}

/** How a route appears in logs and metrics. */
export interface RouteLabel {
  /** `GET /v1/servers`. */
  readonly label: string;
  /** Whether its successes are no news: probes. */
  readonly quiet: boolean;
}

const FAILURE_LENGTH_MAX = 500;
const NO_ROUTE: RouteLabel = { label: 'none', quiet: false };

/** The access log of the gateway. Neither paths nor queries are written: both may hold what is nobody's business. */
export function createAccessLog({ logger, metrics }: { logger: Logger; metrics: Metrics }): AccessLog {
  const routes = new WeakMap<FastifyRequest, RouteLabel>();
  const durations = metrics.histogram({
    name: 'morag_http_server_duration_seconds',
    help: 'Duration of finished requests, by route and status.',
    labelNames: ['route', 'status'],
  });
  return {
    routed: (request, route) => void routes.set(request, route),
    finished({ request, status, ms, error }) {
      const { label: route, quiet } = routes.get(request) ?? NO_ROUTE;
      durations.labels(route, String(status)).observe(ms / 1000);
      const line = { route, status, ms: Math.round(ms * 1000) / 1000, requestId: request.id };
      if (error === undefined) logger[quiet ? 'debug' : 'info'](line, 'request');
      else if (isFault(status)) logger.warn({ ...line, ...failureOf(error) }, 'request');
      else logger.info({ ...line, reason: reasonOf(toConnectError(error)) }, 'request');
    },
  };
}

function isFault(status: number): boolean {
  return status >= 500 && status !== 501;
}

/** The class and text of a fault of our own or of the connection; what a service answered is in its own log. */
function failureOf(error: unknown): object {
  const known = toConnectError(error);
  const { cause } = known;
  const foreign = cause instanceof DomainError ? cause.cause : cause;
  const isOurs = foreign instanceof Error && !(foreign instanceof ConnectError && foreign.isWireError);
  return {
    reason: reasonOf(known),
    ...(isOurs && { failure: `${foreign.name}: ${foreign.message}`.slice(0, FAILURE_LENGTH_MAX) }),
  };
}
