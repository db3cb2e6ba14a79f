import { setTimeout as delay } from 'node:timers/promises';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import type { ConnectRouter, Transport } from '@connectrpc/connect';
import type { UniversalHandlerOptions } from '@connectrpc/connect/protocol';
import { compressionGzip } from '@connectrpc/connect-node';
import type { Authenticator } from '@morag/auth';
import { DomainError, toConnectError } from '@morag/errors';
import { Health } from '@morag/gen/grpc/health/v1/health_pb.ts';
import type { Logger, Metrics } from '@morag/telemetry';
import type { AuditJournal } from '../audit/audit-journal.ts';
import { createInProcessTransport } from '../client/in-process-transport.ts';
import type { IdempotencyStore } from '../idempotency-store.ts';
import { serverInterceptors } from '../interceptors/server-interceptors.ts';
import type { RateLimits } from '../rate-limit/rate-limits.ts';
import type { TlsMaterial } from '../tls/tls-material.ts';
import { createAccessRules } from './access-rules.ts';
import { type Admission, createAdmission } from './admission.ts';
import { type CallObserver, createCallObserver, type FinishedCall } from './call-observer.ts';
import { createClientAddress, TRUSTED_PROXIES } from './client-address.ts';
import { createDualServer } from './dual-server.ts';
import { withEdge } from './edge.ts';
import { createHealth, type HealthState } from './health.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { createNodeHandler } from './node-handler.ts';
import { createProbes, createReadinessCheck } from './probes.ts';
import { REFLECTION_SERVICES, registerReflection } from './reflection.ts';
import { type Registration, register } from './strict-router.ts';

/** See createServiceHost. */
export interface ServiceHostOptions {
  /** In logs, metrics and `/readyz`. */
  readonly name: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The services that `routes` registers; neither more nor fewer. */
  readonly descriptors: readonly DescService[];
  readonly routes: (router: ConnectRouter) => void;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Named checks of what the service needs, for `/readyz`. Answers within a second. */
  readonly readiness: () => Promise<Record<string, boolean>>;
  readonly limits?: Partial<Limits>;
  /** Remembers answers by `request_id`; without it the field has no effect. */
  readonly idempotency?: IdempotencyStore;
  /** Where changes and refusals are written down; without it they are not. */
  readonly audit?: AuditJournal;
  /** Bounds how often callers may call; closed when the host stops. Without it there is no limit. */
  readonly rateLimits?: RateLimits;
  /** Networks of the gateway and of proxies: believed when they name the client. Loopback unless given. */
  readonly trustedProxies?: readonly string[];
  /** Speaks TLS on the port; clear text unless given. */
  readonly tls?: TlsMaterial;
  /** Told of every call that is over, beside log and metrics. Must not throw. */
  readonly onCall?: (call: FinishedCall) => void;
}

/** A running (or not yet started) service. */
export interface ServiceHost {
  /** Listens, and says SERVING. */
  start(): Promise<{ port: number }>;
  /**
   * Says NOT_SERVING, ends streams that have no end of their own, refuses new calls, lets the others finish for at most
   * `graceMs` (8 s), aborts what is left, and closes every connection.
   */
  stop(graceMs?: number): Promise<void>;
  /** Calls this service in process, through the same interceptors; works without `start`. */
  transport(): Transport;
  /** Switches what health and readiness say, for example while the database is away. */
  setServing(serving: boolean): void;
}

const GRACE_MS = 8_000;
/** Connections get this long to take their last response after the last call. */
const FLUSH_MS = 500;
/** Clients that keep connections busy are told on each of them, within this time, that it closes. */
const LINGER_MS = 100;

interface Core {
  readonly limits: Limits;
  readonly observer: CallObserver;
  readonly admission: Admission;
  readonly health: HealthState;
  /** Aborted one after the other when the service stops. */
  readonly stopping: { readonly endless: AbortController; readonly all: AbortController };
}

/**
 * One port with gRPC, gRPC-Web and Connect over HTTP/1.1 and h2c, health, reflection and probes. Throws when a method has
 * no handler or no access rule.
 */
export function createServiceHost(options: ServiceHostOptions): ServiceHost {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const core: Core = {
    limits,
    observer: toldAsWell(createCallObserver(options.logger, options.metrics), options.onCall),
    admission: createAdmission(limits.concurrentMax),
    health: createHealth(options.descriptors, createReadinessCheck(options.readiness)),
    stopping: { endless: new AbortController(), all: new AbortController() },
  };
  const { admission, health, stopping } = core;
  const handlers = registerServices(options, core).handlers.map((handler) => withEdge(handler, core));
  const http = createNodeHandler({
    handlers,
    probes: createProbes({ ...options, isServing: health.isServing }),
    isStopping: () => stopping.endless.signal.aborted,
    limits,
    clientAddress: createClientAddress(options.trustedProxies ?? TRUSTED_PROXIES),
  });
  const server = createDualServer({
    handler: http.listener,
    headerTimeoutMs: limits.headerTimeoutMs,
    // Later than the answer to a message that is late.
    requestTimeoutMs: limits.deadlineMsMax + limits.headerTimeoutMs,
    tls: options.tls,
  });
  const inProcess = createInProcessTransport(handlers);

  return {
    async start() {
      const { port } = await server.listen(options.port, options.host);
      health.setServing(true);
      options.logger.info({ host: options.host, port }, 'listening');
      return { port };
    },
    async stop(graceMs = GRACE_MS) {
      health.setServing(false);
      // Lets those who watch the health read the news before their stream ends.
      await new Promise((resolve) => setImmediate(resolve));
      const gone = toConnectError(new DomainError('UNAVAILABLE', 'The service is stopping.', { retryAfterMs: 1_000 }));
      stopping.endless.abort(gone);
      admission.close();
      server.drain();
      await withinTime(admission.drained(), graceMs);
      stopping.all.abort(gone);
      await withinTime(http.flushed(), FLUSH_MS);
      if (server.hasHttp1Connections()) await delay(LINGER_MS);
      await server.close(FLUSH_MS);
      options.rateLimits?.close();
    },
    transport: () => inProcess,
    setServing: (serving) => health.setServing(serving),
  };
}

function toldAsWell(observer: CallObserver, onCall: ServiceHostOptions['onCall']): CallObserver {
  if (!onCall) return observer;
  return {
    begin: () => observer.begin(),
    end(call) {
      observer.end(call);
      onCall(call);
    },
  };
}

function registerServices(options: ServiceHostOptions, core: Core): Registration {
  const infrastructure = [Health, ...REFLECTION_SERVICES];
  const unavailable = new Set<DescMethod>();
  const registration = register(
    (router) => {
      options.routes(router);
      router.service(Health, core.health.handlers);
      registerReflection(router, [...options.descriptors, Health]);
    },
    {
      ...protocolOptions(core.limits),
      interceptors: serverInterceptors({
        observer: core.observer,
        admission: core.admission,
        authenticator: options.authenticator,
        accessRules: createAccessRules([...options.descriptors, ...infrastructure]),
        isUnavailable: (method) => unavailable.has(method),
        idempotency: options.idempotency,
        audit: options.audit,
        rateLimits: options.rateLimits,
      }),
    },
    { endless: core.stopping.endless.signal, all: core.stopping.all.signal },
  );
  for (const method of registration.unavailable) unavailable.add(method);
  requireSameServices([...options.descriptors, ...infrastructure], registration.services);
  return registration;
}

function protocolOptions({ messageBytesMax }: Limits): Partial<UniversalHandlerOptions> {
  return {
    readMaxBytes: messageBytesMax,
    writeMaxBytes: messageBytesMax,
    acceptCompression: [compressionGzip],
    // Requests may come compressed; responses never are: between services the CPU costs more than the bytes.
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    jsonOptions: { ignoreUnknownFields: false },
  };
}

function requireSameServices(named: readonly DescService[], registered: readonly DescService[]): void {
  const list = (services: readonly DescService[]): string =>
    services
      .map(({ typeName }) => typeName)
      .sort()
      .join(', ');
  const [expected, found] = [list(named), list(registered)];
  if (expected !== found) throw new Error(`descriptors and routes differ: ${expected} / ${found}`);
}

async function withinTime(done: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}
