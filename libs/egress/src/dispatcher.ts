import type { Socket } from 'node:net';
import { callbackify } from 'node:util';
import { Agent, type Dispatcher } from 'undici';
import { urlHost } from './address.ts';
import { AnswerRefused, EgressDenied } from './egress.error.ts';
import type { ConnectOptions, TlsOptions } from './egress.ts';
import { createJsonDepth } from './json-depth.ts';
import { RenewedPool } from './renewed-pool.ts';

export interface HttpTarget {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsOptions;
  /** Sockets kept at once. */
  readonly connections?: number;
  /** An idle socket is closed after this. Shorter than the server's own bound, or requests meet a closing socket. */
  readonly keepAliveMs?: number;
  /** To a connected and secured socket. */
  readonly connectTimeoutMs?: number;
  /** Of one answer's body. */
  readonly answerBytesMax?: number;
}

const CONNECTIONS = 32;
const KEEP_ALIVE_MS = 4_000;
const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
const HEADER_BYTES_MAX = 64 * 1024;
/** Twice what metadata of the greatest depth and its wrapping need. */
const ANSWER_DEPTH_MAX = 64;
/** A request that is given up sooner says nothing of the server. */
const SILENT_MS = 250;

interface Connector {
  connect(host: string, port: number, options?: ConnectOptions): Promise<Socket>;
}

/**
 * A pool of sockets to one origin. A redirect is an error, since SDKs carry keys across it; so is a compressed body,
 * which could unpack to any size, and JSON that is nested without end; a request to another origin is denied. There is
 * no timeout on answers: every call brings its own signal. When one is given up that a server left unanswered, the idle
 * sockets are not used again: the way to the server may be gone without a word, and with it all of them.
 */
export function createHttpDispatcher(connector: Connector, target: HttpTarget): Dispatcher {
  const { host, port, tls, answerBytesMax = ANSWER_BYTES_MAX } = target;
  // A host that is none is denied when it is connected to.
  const origin = URL.parse(`${tls ? 'https' : 'http'}://${urlHost(host)}:${port}`)?.origin;
  return new RenewedPool((onSilence) => {
    const agent = new Agent({
      connections: target.connections ?? CONNECTIONS,
      keepAliveTimeout: target.keepAliveMs ?? KEEP_ALIVE_MS,
      keepAliveMaxTimeout: target.keepAliveMs ?? KEEP_ALIVE_MS,
      maxResponseSize: answerBytesMax,
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: 0,
      bodyTimeout: 0,
      pipelining: 1,
      connect: (_, callback) =>
        openSocket(connector, target, (error, socket) => (error ? callback(error, null) : callback(null, socket))),
    });
    return agent.compose((dispatch) => (options, handler) => {
      const asked = options.origin === undefined ? origin : new URL(options.origin).origin;
      if (asked !== origin) throw new EgressDenied(String(asked), `this connection serves ${origin} alone`);
      return dispatch(options, noticingSilence(refusing(handler, answerBytesMax), onSilence));
    });
  });
}

const openSocket = callbackify(async (connector: Connector, target: HttpTarget) => {
  const { host, port, tls, connectTimeoutMs = CONNECT_TIMEOUT_MS } = target;
  const controller = new AbortController();
  const giveUp = (): void => controller.abort(new DOMException('The server is not reached in time.', 'TimeoutError'));
  // Unlike AbortSignal.timeout, whose timer would stay until its time is over, thousands of them with many servers.
  const timer = setTimeout(giveUp, connectTimeoutMs).unref();
  try {
    const socket = await connector.connect(host, port, { tls, signal: controller.signal });
    return socket.setNoDelay(true);
  } finally {
    clearTimeout(timer);
  }
});

/** Tells when a request is given up that has got no answer for a while. */
function noticingSilence(handler: Dispatcher.DispatchHandler, onSilence: () => void): Dispatcher.DispatchHandler {
  const startedMs = performance.now();
  let running: Dispatcher.DispatchController | undefined;
  return {
    ...handler,
    onRequestStart(controller, context) {
      running = controller;
      handler.onRequestStart?.(controller, context);
    },
    onResponseStart(controller, ...answer) {
      running = undefined;
      handler.onResponseStart?.(controller, ...answer);
    },
    onResponseError(controller, error) {
      if (running?.aborted && performance.now() - startedMs >= SILENT_MS) onSilence();
      handler.onResponseError?.(controller, error);
    },
  };
}

function refusing(handler: Dispatcher.DispatchHandler, bytesMax: number): Dispatcher.DispatchHandler {
  const depth = createJsonDepth(ANSWER_DEPTH_MAX);
  let refused: { ended: boolean } | undefined;
  return {
    onRequestStart: handler.onRequestStart?.bind(handler),
    onRequestUpgrade: handler.onRequestUpgrade?.bind(handler),
    onResponseStart(controller, status, headers, statusMessage) {
      const encoding = headers['content-encoding'];
      if (status >= 300 && status < 400 && headers.location !== undefined) {
        controller.abort(new AnswerRefused('ANSWER_REDIRECTS', 'The server redirects, which is never followed.'));
      } else if (encoding !== undefined && encoding !== 'identity') {
        controller.abort(new AnswerRefused('ANSWER_COMPRESSED', 'The server compresses its answer, unasked.'));
      } else if (Number(headers['content-length']) > bytesMax) {
        controller.abort(new AnswerRefused('ANSWER_TOO_LARGE', 'The answer is larger than the limit.'));
      } else {
        handler.onResponseStart?.(controller, status, headers, statusMessage);
      }
    },
    onResponseData(controller, chunk) {
      if (refused) return;
      if (depth.accepts(chunk)) handler.onResponseData?.(controller, chunk);
      else refused = refuseLater(controller, handler);
    },
    onResponseEnd(controller, trailers) {
      if (refused) refused.ended = true;
      else handler.onResponseEnd?.(controller, trailers);
    },
    onResponseError: handler.onResponseError?.bind(handler),
    onResponseStarted: handler.onResponseStarted?.bind(handler),
    onBodySent: handler.onBodySent?.bind(handler),
    onRequestSent: handler.onRequestSent?.bind(handler),
  };
}

/** In a turn of its own: `fetch` never hears of what goes wrong in that of the headers, and waits for the rest for ever. */
function refuseLater(
  controller: Dispatcher.DispatchController,
  handler: Dispatcher.DispatchHandler,
): { ended: boolean } {
  const state = { ended: false };
  setImmediate(() => {
    const error = new AnswerRefused('ANSWER_TOO_DEEP', 'The answer is nested without end.');
    if (state.ended) handler.onResponseError?.(controller, error);
    else controller.abort(error);
  });
  return state;
}
