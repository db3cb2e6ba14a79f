import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { ConnectError, type Interceptor, type Transport } from '@connectrpc/connect';
import type { UniversalClientFn } from '@connectrpc/connect/protocol';
import { createTransport } from '@connectrpc/connect/protocol-connect';
import { createNodeHttpClient } from '@connectrpc/connect-node';
import { DomainError, toConnectError } from '@morag/errors';
import { injectTrace } from '@morag/telemetry';
import type { TlsMaterial } from '../tls/tls-material.ts';
import { createUnaryHttpClient } from './unary-http-client.ts';

/** See createServiceTransport. */
export interface ServiceTransportOptions {
  /** `http://host:port` of another service; `https:` with `tls`. */
  readonly baseUrl: string;
  /** Speaks TLS, and shows the certificate to a service that demands one. */
  readonly tls?: TlsMaterial;
  /** Deadline of a unary call that names none; a stream without one has none. */
  readonly deadlineMsDefault?: number;
  /** Largest message, either way. */
  readonly messageBytesMax?: number;
}

/** A transport that holds connections. */
export interface ServiceTransport extends Transport {
  /** Closes the connections; running calls fail. */
  close(): void;
}

const DEADLINE_MS = 30_000;
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
const AGENT_OPTIONS = { keepAlive: true, maxSockets: 256, scheduling: 'lifo' } as const;

/**
 * Calls another service: Connect with binary messages over HTTP/1.1 keep-alive, which costs a third of gRPC on both ends.
 * A service that cannot be reached is UNAVAILABLE; its own errors arrive with their reasons.
 *
 * A reader of a stream that stops before its end has to abort the signal it called with: the clients of the library hide
 * from their transport that a `for await` loop was left.
 */
export function createServiceTransport(options: ServiceTransportOptions): ServiceTransport {
  const { baseUrl, tls, deadlineMsDefault = DEADLINE_MS, messageBytesMax = MESSAGE_BYTES_MAX } = options;
  const agent = tls ? createSecureAgent(tls) : new Agent(AGENT_OPTIONS);
  const transport = createTransport({
    httpClient: createHttpClient(baseUrl, agent, messageBytesMax),
    baseUrl,
    useBinaryFormat: true,
    interceptors: [propagateTrace, nameConnectionFailures],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: messageBytesMax,
    writeMaxBytes: messageBytesMax,
  });
  return {
    unary: (method, signal, timeoutMs, ...rest) =>
      transport.unary(method, signal, timeoutMs ?? deadlineMsDefault, ...rest),
    stream: (...call) => transport.stream(...call),
    close: () => agent.destroy(),
  };
}

/** Connections that are opened after a certificate was renewed use the new one. */
function createSecureAgent(tls: TlsMaterial): Agent {
  const agent = new SecureAgent({ ...AGENT_OPTIONS, ...tls.client() });
  tls.onChange(() => Object.assign(agent.options, tls.client()));
  return agent;
}

/** Another service, at an address of the configuration. */
export function transportTo({ host, port }: { host: string; port: number }, tls?: TlsMaterial): ServiceTransport {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return createServiceTransport({ baseUrl: `${tls ? 'https' : 'http'}://${authority}`, tls });
}

function createHttpClient(baseUrl: string, agent: Agent, messageBytesMax: number): UniversalClientFn {
  const unary = createUnaryHttpClient({ baseUrl, agent, messageBytesMax });
  const streaming = createNodeHttpClient({ httpVersion: '1.1', nodeOptions: { agent } });
  return (req) => (req.header.get('content-type') === 'application/proto' ? unary(req) : streaming(req));
}

const propagateTrace: Interceptor = (next) => (req) => {
  injectTrace(req.header);
  return next(req);
};

/** The library calls most failures of a connection "internal" or "aborted"; for a caller they all mean: not now. */
const nameConnectionFailures: Interceptor = (next) => async (req) => {
  const name = (error: unknown): unknown =>
    isConnectionFailure(error)
      ? toConnectError(
          new DomainError('UNAVAILABLE', 'A service that this call needs is not reachable now.', {
            metadata: { service: req.service.typeName },
            cause: error,
          }),
        )
      : error;
  try {
    const res = await next(req);
    return res.stream ? { ...res, message: renamed(res.message, name) } : res;
  } catch (error) {
    throw name(error);
  }
};

async function* renamed<T>(messages: AsyncIterable<T>, name: (error: unknown) => unknown): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw name(error);
  }
}

/** True when an error of the operating system or of the HTTP parser lies at the bottom. */
function isConnectionFailure(error: unknown): boolean {
  if (error instanceof ConnectError && error.isWireError) return false;
  let cause = error;
  while (typeof cause === 'object' && cause !== null) {
    if ('code' in cause && typeof cause.code === 'string' && /^(E[A-Z]|HPE_)/.test(cause.code)) return true;
    cause = 'cause' in cause ? cause.cause : undefined;
  }
  return false;
}
