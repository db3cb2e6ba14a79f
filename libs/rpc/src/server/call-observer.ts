import type { DescMethod } from '@bufbuild/protobuf';
import { Code, type ConnectError } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import type { Principal } from '@morag/auth';
import { DomainError, reasonOf, toConnectError } from '@morag/errors';
import type { Logger, Metrics } from '@morag/telemetry';
import { isInfrastructure, methodName } from '../method-name.ts';
import { describeError } from './describe-error.ts';

/** A call that is over. */
export interface FinishedCall {
  readonly method: DescMethod;
  readonly requestId: string;
  readonly principal: Principal | undefined;
  /** Of the client. */
  readonly address: string;
  readonly ms: number;
  /** What it failed with; undefined when it succeeded. */
  readonly error: unknown;
}

/** Where calls are counted, timed and logged: one line each. */
export interface CallObserver {
  begin(): void;
  end(call: FinishedCall): void;
}

// Seconds. From an in-memory answer to the longest deadline.
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600];

/** The observer that writes to a log and to Prometheus metrics. */
export function createCallObserver(log: Logger, metrics: Metrics): CallObserver {
  const durations = metrics.histogram({
    name: 'morag_rpc_server_duration_seconds',
    help: 'Duration of finished calls, by method and code.',
    labelNames: ['method', 'code'],
    buckets: BUCKETS,
  });
  const inFlight = metrics.gauge({ name: 'morag_rpc_server_in_flight', help: 'Calls under way.' });
  return {
    begin: () => inFlight.inc(),
    end(call) {
      inFlight.dec();
      const error = call.error === undefined ? undefined : toConnectError(call.error);
      const code = error === undefined ? 'ok' : codeToString(error.code);
      durations.labels(methodName(call.method), code).observe(call.ms / 1000);
      writeLine(log, call, code, error);
    },
  };
}

function writeLine(log: Logger, call: FinishedCall, code: string, error: ConnectError | undefined): void {
  const { method, requestId, principal } = call;
  const line = {
    rpc: methodName(method),
    code,
    ms: Math.round(call.ms * 1000) / 1000,
    requestId,
    ...(principal && { principalId: principal.userId, principalKind: principal.kind }),
    ...(error && { reason: reasonOf(error) }),
  };
  if (error === undefined || !isServerFault(error.code)) {
    if (isInfrastructure(method)) log.debug(line, 'call');
    else log.info(line, 'call');
    return;
  }
  const cause = error.cause;
  const detail = cause instanceof DomainError ? cause.detail : undefined;
  const failure = { ...line, ...(detail && { detail }), failure: describeError(cause ?? error) };
  if (error.code === Code.Internal || error.code === Code.DataLoss) log.error(failure, 'call');
  else log.warn(failure, 'call');
}

function isServerFault(code: Code): boolean {
  return code === Code.Internal || code === Code.Unknown || code === Code.DataLoss || code === Code.Unavailable;
}
