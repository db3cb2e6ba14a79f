import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Metrics } from '@morag/telemetry';

/** A request of either HTTP version. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
/** A response of either HTTP version. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** What the probes ask. */
export interface ProbeParts {
  readonly name: string;
  readonly isServing: () => boolean;
  /** Named checks of what the service needs. */
  readonly readiness: () => Promise<Record<string, boolean>>;
  readonly metrics: Metrics;
}

// A check that hangs is a check that failed; orchestrators give a probe about a second.
const READINESS_TIMEOUT_MS = 1_000;

/** Answers `/livez`, `/readyz` and `/metrics`; false for any other path. */
export function createProbes(parts: ProbeParts): (path: string, res: NodeResponse) => boolean {
  return (path, res) => {
    switch (path) {
      case '/livez':
        sendJson(res, 200, { live: true });
        return true;
      case '/readyz':
        void readiness(parts).then((state) => sendJson(res, state.ready ? 200 : 503, state));
        return true;
      case '/metrics':
        parts.metrics.text().then(
          (text) => send(res, 200, 'text/plain; version=0.0.4; charset=utf-8', text),
          () => sendJson(res, 500, { error: 'metrics could not be read' }),
        );
        return true;
      default:
        return false;
    }
  };
}

/** Body of `/readyz`. */
export interface Readiness {
  readonly ready: boolean;
  readonly service: string;
  readonly checks: Readonly<Record<string, boolean>>;
  /** Names of the checks that do not hold. */
  readonly failed: readonly string[];
}

async function readiness({ name, isServing, readiness: check }: ProbeParts): Promise<Readiness> {
  const checks = { serving: isServing(), ...(await settled(check)) };
  const failed = Object.entries(checks)
    .filter(([, holds]) => !holds)
    .map(([what]) => what);
  return { ready: failed.length === 0, service: name, checks, failed };
}

/** Whether every check holds; who asks at the same time shares one answer. */
export function createReadinessCheck(check: ProbeParts['readiness']): () => Promise<boolean> {
  let running: Promise<boolean> | undefined;
  return () => {
    running ??= settled(check)
      .then((checks) => Object.values(checks).every(Boolean))
      .finally(() => {
        running = undefined;
      });
    return running;
  };
}

async function settled(check: ProbeParts['readiness']): Promise<Record<string, boolean>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Record<string, boolean>>((resolve) => {
    timer = setTimeout(() => resolve({ checks: false }), READINESS_TIMEOUT_MS);
  });
  try {
    return await Promise.race([check(), late]);
  } catch {
    return { checks: false };
  } finally {
    clearTimeout(timer);
  }
}

/** Ends a response with a JSON body. */
export function sendJson(res: NodeResponse, status: number, body: object): void {
  send(res, status, 'application/json', JSON.stringify(body));
}

function send(res: NodeResponse, status: number, type: string, body: string): void {
  // The two versions have the same methods in classes without a common type.
  const response = res as ServerResponse;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
