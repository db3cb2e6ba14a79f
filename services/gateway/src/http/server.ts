import type { Socket } from 'node:net';
import type { Server as SecureServer } from 'node:tls';
import cors from '@fastify/cors';
import { DomainError } from '@morag/errors';
import { acceptRequestId, RATE_LIMIT_HEADERS, REQUEST_ID_HEADER, type TlsMaterial } from '@morag/rpc';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { discardRest } from './client-gone.ts';
import { PROBLEM_TYPE, toAnswer } from './problems.ts';

/** Answers one request; whatever it throws becomes a problem. */
export type HttpHandler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** A request that has been answered. */
export interface FinishedRequest {
  readonly request: FastifyRequest;
  readonly status: number;
  readonly ms: number;
  /** What it failed with; undefined when it succeeded. */
  readonly error: unknown;
}

/** See createHttpServer. */
export interface HttpServerOptions {
  readonly handler: HttpHandler;
  /** Web origins that may call from a browser; `*` stands for all. */
  readonly corsOrigins: readonly string[];
  readonly tls?: TlsMaterial;
  readonly onFinished: (finished: FinishedRequest) => void;
}

/** Time for the head of a request; bodies have bounds of their own. */
const HEADERS_MS = 10_000;
const HEADER_BYTES_MAX = 16 * 1024;

/**
 * The HTTP shell: every request goes to one handler, gets its id, and is answered with a problem when anything fails, be it
 * before the handler or within the parser. Fastify's own routing, parsing and logging stay out of the way.
 */
export async function createHttpServer({
  handler,
  corsOrigins,
  tls,
  onFinished,
}: HttpServerOptions): Promise<FastifyInstance> {
  const limits = { headersTimeout: HEADERS_MS, requestTimeout: 0, maxHeaderSize: HEADER_BYTES_MAX };
  const app: FastifyInstance = fastify({
    logger: false,
    genReqId: ({ headers }) => acceptRequestId(firstOf(headers[REQUEST_ID_HEADER])),
    requestIdHeader: false,
    routerOptions: { maxParamLength: HEADER_BYTES_MAX },
    ...(tls ? { https: { ...limits, ...certificate(tls) } } : { http: limits }),
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      writeHead(request, reply, tls);
      answer(error, request, reply);
    },
    clientErrorHandler: answerBrokenRequest,
  });
  tls?.onChange(() => (app.server as unknown as SecureServer).setSecureContext(certificate(tls)));
  app.removeAllContentTypeParsers();
  // Bodies are read by the routes, which know their type and bounds.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.addHook('onRequest', async (request, reply) => writeHead(request, reply, tls));
  app.addHook('onResponse', async (request, reply) => {
    const error = failures.get(request);
    onFinished({ request, status: reply.statusCode, ms: reply.elapsedTime, error });
  });
  app.setErrorHandler(answer);
  if (corsOrigins.length > 0) await app.register(cors, corsOptions(corsOrigins));
  app.route({ method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'], url: '/*', handler });
  app.setNotFoundHandler(handler);
  return app;
}

const failures = new WeakMap<FastifyRequest, unknown>();

function answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  failures.set(request, error);
  const { status, headers, problem } = toAnswer(named(error), request.id);
  discardRest(request.raw);
  void reply.code(status).headers(headers).send(JSON.stringify(problem));
}

/** Fastify refuses little before the handler: a URL that cannot be decoded, a type that cannot be parsed. */
function named(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  if (error.code === 'FST_ERR_BAD_URL') {
    return new DomainError('INVALID_ARGUMENT', 'The path of the URL is not valid.', { cause: error });
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new DomainError('UNSUPPORTED_MEDIA_TYPE', 'The content type is not valid.', { cause: error });
  }
  return error;
}

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

function writeHead({ id }: FastifyRequest, reply: FastifyReply, tls: TlsMaterial | undefined): void {
  reply.headers(HEADERS).header(REQUEST_ID_HEADER, id);
  if (tls) reply.header('strict-transport-security', 'max-age=31536000; includeSubDomains');
}

/** Callers prove who they are by token or key: no certificate is asked of them. */
function certificate(tls: TlsMaterial) {
  const { cert, key, minVersion } = tls.server();
  return { cert, key, minVersion };
}

function corsOptions(origins: readonly string[]): object {
  return {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'Idempotency-Key',
      'If-Match',
      'Request-Timeout',
      'X-API-Key',
      'X-Request-Id',
    ],
    exposedHeaders: ['Allow', 'ETag', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id', ...RATE_LIMIT_HEADERS],
    maxAge: 600,
    strictPreflight: false,
  };
}

const BROKEN: Readonly<Record<string, { status: string; text: string }>> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', text: 'The headers are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', text: 'The request did not arrive in time.' },
};

/** A request that cannot even be parsed has no reply object: the answer is written to its socket. */
function answerBrokenRequest(this: FastifyInstance, error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const known = BROKEN[error.code ?? ''];
  const requestId = acceptRequestId(null);
  const text = known?.text ?? 'The request is not valid HTTP.';
  const { problem } = toAnswer(new DomainError('INVALID_ARGUMENT', text), requestId);
  const status = known?.status ?? '400 Bad Request';
  const body = JSON.stringify({ ...problem, status: Number.parseInt(status, 10) });
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\n${REQUEST_ID_HEADER}: ${requestId}\r\n` +
      `content-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function firstOf(header: string | string[] | undefined): string | null {
  return typeof header === 'string' ? header : null;
}
