import { Code, ConnectError, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerRequest } from '@connectrpc/connect/protocol';
import { peerAddressKey } from '../call-context.ts';
import { type ClientAddress, forwardedFor } from './client-address.ts';
import type { Limits } from './limits.ts';
import type { NodeRequest, NodeResponse } from './probes.ts';

/** Bounds of a body that is read before it is looked at. */
export type BodyLimits = Pick<Limits, 'messageBytesMax' | 'deadlineMsMax'>;

/**
 * A request of Node.js as the RPC library takes it. Its signal is aborted when the client leaves before the response is
 * complete, its body never destroys the request when reading stops early: the response to it still has to get through.
 */
export async function toUniversalRequest(
  { method }: UniversalHandler,
  req: NodeRequest,
  res: NodeResponse,
  { limits, clientAddress }: { readonly limits: BodyLimits; readonly clientAddress: ClientAddress },
): Promise<UniversalServerRequest> {
  const left = new AbortController();
  res.once('close', () => {
    if (!res.writableEnded) left.abort(new ConnectError('the client left', Code.Canceled));
  });
  const header = toHeaders(req);
  const isBuffered = method.methodKind === 'unary' && isPlainConnect(req);
  return {
    httpVersion: req.httpVersion,
    method: req.method ?? '',
    // The library parses it for the query only; the authority that a client claims has no say.
    url: `http://localhost${req.url}`,
    header,
    body: isBuffered ? await readAll(req, limits) : req.iterator({ destroyOnReturn: false }),
    signal: left.signal,
    contextValues: createContextValues().set(
      peerAddressKey,
      clientAddress(req.socket.remoteAddress ?? '', forwardedFor(header)),
    ),
  };
}

function toHeaders({ headers }: NodeRequest): Headers {
  const result = new Headers();
  for (const name in headers) {
    const value = headers[name];
    // Pseudo-headers of HTTP/2 are no header names elsewhere.
    if (value === undefined || name.startsWith(':')) continue;
    if (typeof value === 'string') result.append(name, value);
    else for (const each of value) result.append(name, each);
  }
  return result;
}

/** A message that is the body itself, neither enveloped nor compressed. */
function isPlainConnect({ method, headers }: NodeRequest): boolean {
  return (
    method === 'POST' &&
    headers['content-encoding'] === undefined &&
    !(headers['content-type'] ?? '').startsWith('application/grpc')
  );
}

/**
 * The whole body, read without an async iterator in between, which would cost more than the parsing. The library takes
 * bytes as they are, although its types only name what frameworks pass on.
 */
function readAll(
  req: NodeRequest,
  { messageBytesMax, deadlineMsMax }: BodyLimits,
): Promise<UniversalServerRequest['body']> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const late = setTimeout(() => {
      settle(failing(new ConnectError('the message did not arrive in time', Code.DeadlineExceeded)));
    }, deadlineMsMax);
    const settle = (body: UniversalServerRequest['body']): void => {
      clearTimeout(late);
      req.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      resolve(body);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= messageBytesMax) return;
      req.pause();
      settle(failing(new ConnectError(`the message is larger than ${messageBytesMax} bytes`, Code.ResourceExhausted)));
    };
    const onEnd = (): void => {
      const [only] = chunks;
      const bytes = chunks.length === 1 && only ? only : Buffer.concat(chunks, length);
      settle(bytes as Uint8Array as unknown as UniversalServerRequest['body']);
    };
    const onGone = (): void => settle(failing(new ConnectError('the client left', Code.Canceled)));
    req.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

function failing(error: ConnectError): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}
