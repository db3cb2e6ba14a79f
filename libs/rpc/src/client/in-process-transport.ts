import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import {
  createAsyncIterable,
  type UniversalClientFn,
  type UniversalClientRequest,
  type UniversalHandler,
} from '@connectrpc/connect/protocol';
import { createTransport } from '@connectrpc/connect/protocol-connect';

/** Calls handlers in this process. Messages are copied through their binary form, so neither side sees the other's objects. */
export function createInProcessTransport(handlers: readonly UniversalHandler[]): Transport {
  return createTransport({
    httpClient: createHandlerClient(handlers),
    baseUrl: ORIGIN,
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: Number.MAX_SAFE_INTEGER,
    writeMaxBytes: Number.MAX_SAFE_INTEGER,
  });
}

const ORIGIN = 'http://in-process';

function createHandlerClient(handlers: readonly UniversalHandler[]): UniversalClientFn {
  const byUrl = new Map(handlers.map((handler) => [ORIGIN + handler.requestPath, handler]));
  return async ({ url, method, header, body, signal }: UniversalClientRequest) => {
    const handler = byUrl.get(url);
    if (handler === undefined) throw new ConnectError(`no service here has ${url}`, Code.Unimplemented);
    const callerSignal = signal ?? new AbortController().signal;
    const response = handler({
      body: body ?? createAsyncIterable([]),
      httpVersion: '2.0',
      method,
      url,
      header,
      signal: callerSignal,
    });
    const res = await untilAborted(response, callerSignal);
    return {
      status: res.status,
      header: new Headers(res.header),
      trailer: new Headers(res.trailer),
      body: res.body === undefined ? createAsyncIterable([]) : abandonable(res.body, callerSignal),
    };
  };
}

/** The messages until the caller aborts; then the source is told to end, as a closed connection would. */
function abandonable(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const source = body[Symbol.asyncIterator]();
      const abandon = (): void => void source.return?.().catch(() => {});
      signal.addEventListener('abort', abandon, { once: true });
      return {
        next: () => untilAborted(source.next(), signal),
        return: async (value) => source.return?.(value) ?? { done: true, value },
        throw: async (error) => source.throw?.(error) ?? Promise.reject(error),
      };
    },
  };
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
