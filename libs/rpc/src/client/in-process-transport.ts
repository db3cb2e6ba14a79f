import type { Transport } from '@connectrpc/connect';
import { createUniversalHandlerClient, type UniversalHandler } from '@connectrpc/connect/protocol';
import { createTransport } from '@connectrpc/connect/protocol-connect';

/** Calls handlers in this process. Messages are copied through their binary form, so neither side sees the other's objects. */
export function createInProcessTransport(handlers: UniversalHandler[]): Transport {
  return createTransport({
    httpClient: createUniversalHandlerClient(handlers),
    baseUrl: 'http://in-process',
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: Number.MAX_SAFE_INTEGER,
    writeMaxBytes: Number.MAX_SAFE_INTEGER,
  });
}
