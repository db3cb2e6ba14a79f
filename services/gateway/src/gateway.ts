import type { Transport } from '@connectrpc/connect';
import type { TlsMaterial } from '@morag/rpc';
import { type Logger, type Metrics, withServerSpan } from '@morag/telemetry';
import type { FastifyInstance } from 'fastify';
import { traceOf } from './calls/call-options.ts';
import type { Exchange } from './calls/exchange.ts';
import { createRoute, type Route } from './calls/route.ts';
import { type Backend, loadContracts } from './contracts/contracts.ts';
import { type AccessLog, createAccessLog } from './http/access-log.ts';
import { type Admission, createAdmission } from './http/admission.ts';
import type { Page } from './http/page.ts';
import { createHttpServer } from './http/server.ts';
import { docsPages } from './pages/docs.ts';
import { indexPage } from './pages/index.page.ts';
import { openapiPage } from './pages/openapi.page.ts';
import { probePages } from './pages/probes.ts';
import { bindingsOf } from './routing/binding.ts';
import { createRouter, type Router } from './routing/router.ts';
import { createJsonWriters } from './transcoding/encode-message.ts';

/** See buildGateway. `GatewayConfig` of @morag/config fits. */
export interface GatewayOptions {
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Web origins that may call from a browser; `*` stands for all, none switches CORS off. */
  readonly corsOrigins: readonly string[];
  readonly uploadBytesMax: number;
  /** Requests under way at once, streams included; 2,000 unless given. Probes are not counted. */
  readonly requestsMax?: number;
}

/** What the gateway works with. */
export interface GatewayParts {
  /** The services behind it; the methods of one that is missing answer NOT_YET_AVAILABLE. */
  readonly transports: Readonly<Partial<Record<Backend, Transport>>>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Speaks TLS; clear text unless given. Asks no caller for a certificate: callers show a token or an API key. */
  readonly tls?: TlsMaterial;
}

/** A running (or not yet started) gateway. */
export interface Gateway {
  /** Listens. */
  start(): Promise<{ port: number }>;
  /** Ends streams, lets running calls finish for at most `graceMs` (8 s), and closes every connection. */
  stop(graceMs?: number): Promise<void>;
  /** The HTTP server, for tests: `inject` works without `start`. */
  readonly app: FastifyInstance;
}

type Target = { readonly route: Route } | { readonly page: Page };

/** Above what the services behind let in, so that each refuses for itself; a bound on memory, not a share of load. */
const REQUESTS_MAX = 2_000;
const GRACE_MS = 8_000;
const SWEEP_MS = 50;

/** REST over the services' RPCs, routed by the rules in their contracts. */
export async function buildGateway(options: GatewayOptions, parts: GatewayParts): Promise<Gateway> {
  const contracts = loadContracts();
  const stopping = new AbortController();
  const routeParts = {
    ...parts,
    writers: createJsonWriters(contracts.registry),
    uploadBytesMax: options.uploadBytesMax,
  };
  const pages = [indexPage(), openapiPage(), ...docsPages(), ...probePages(parts)];
  const router = createRouter<Target>([
    ...pages.map((page) => ({ ...page, target: { page } })),
    ...contracts.methods.flatMap(bindingsOf).map((binding) => ({
      ...binding,
      target: { route: createRoute(binding, routeParts) },
    })),
  ]);
  const accessLog = createAccessLog(parts);
  const admit = createAdmission(options.requestsMax ?? REQUESTS_MAX);
  const app = await createHttpServer({
    handler: (request, reply) => handle(router, { request, reply, stopping: stopping.signal, accessLog, admit }),
    corsOrigins: options.corsOrigins,
    tls: parts.tls,
    onFinished: accessLog.finished,
  });
  return {
    app,
    async start() {
      const { host, port } = options.listen;
      await app.listen({ host, port });
      const address = app.server.address();
      const actual = typeof address === 'object' && address !== null ? address.port : port;
      parts.logger.info({ host, port: actual }, 'listening');
      return { port: actual };
    },
    async stop(graceMs = GRACE_MS) {
      stopping.abort();
      const timer = setTimeout(() => app.server.closeAllConnections(), graceMs);
      // A connection that falls idle after the server has closed would be kept alive until its time is up.
      const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
      await app.close();
      clearTimeout(timer);
      clearInterval(sweep);
    },
  };
}

interface Handling extends Omit<Exchange, 'values' | 'query'> {
  readonly accessLog: AccessLog;
  readonly admit: Admission;
}

async function handle(router: Router<Target>, handling: Handling): Promise<unknown> {
  const { request, reply, stopping, accessLog, admit } = handling;
  const { path, query } = splitUrl(request.raw.url ?? '/');
  const { target, values } = router.match(request.method, path);
  if ('page' in target) {
    accessLog.routed(request, { label: `GET ${target.page.template}`, quiet: true });
    return target.page.handle(request, reply, values);
  }
  const { route } = target;
  accessLog.routed(request, { label: route.label, quiet: false });
  admit(reply.raw);
  return withServerSpan(route.label, traceOf(request.headers), {}, () =>
    route.call({ request, reply, values, query, stopping }),
  );
}

/** Splits a request target; the absolute form, meant for proxies, is taken as the path in it. */
function splitUrl(url: string): { path: string; query: string } {
  const start = url.startsWith('/') ? 0 : Math.max(0, url.indexOf('/', url.indexOf('://') + 3));
  const end = url.indexOf('?', start);
  return end < 0 ? { path: url.slice(start), query: '' } : { path: url.slice(start, end), query: url.slice(end + 1) };
}
