import type { DescMethod } from '@bufbuild/protobuf';
import { type ConnectError, createContextValues } from '@connectrpc/connect';
import type {
  UniversalHandler,
  UniversalHandlerFn,
  UniversalServerRequest,
  UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import { toConnectError } from '@morag/errors';
import { acceptRequestId, endCallKey, peerAddressKey, REQUEST_ID_HEADER, requestIdKey } from '../call-context.ts';
import type { CallObserver } from './call-observer.ts';
import { inProcessAddress } from './client-address.ts';
import { boundDeadline } from './deadline.ts';
import type { Limits } from './limits.ts';
import { mendStatus, refusalOf, respondWith } from './protocol-errors.ts';

/** See withEdge. */
export interface EdgeParts {
  readonly limits: Limits;
  readonly observer: CallObserver;
}

/** A stream lives as long as its caller says; and no longer than a timer can count (24 days). */
const STREAM_BOUNDS = { deadlineMsDefault: undefined, deadlineMsMax: 2 ** 31 - 1 };

/**
 * What happens around the protocol itself, for calls over a socket and in process alike: the deadline is bounded before
 * the library reads it, and a call that the library refuses before any interceptor runs (a message that does not parse or
 * is too large, a wrong method or content type) is answered and logged like every other.
 */
export function withEdge(handler: UniversalHandler, { limits, observer }: EdgeParts): UniversalHandler {
  const { method } = handler;
  const bounds = method.methodKind === 'unary' ? limits : STREAM_BOUNDS;
  const run: UniversalHandlerFn = async (given) => {
    const placed: UniversalServerRequest = given.contextValues
      ? given
      : { ...given, contextValues: createContextValues().set(peerAddressKey, inProcessAddress(given.header)) };
    const req = method.methodKind === 'unary' ? placed : endable(placed);
    boundDeadline(req.header, bounds);
    const started = performance.now();
    const res = await handler(req);
    if (req.contextValues?.get(requestIdKey) === '') return refused(method, req, res, observer, started);
    return mendStatus(method, res);
  };
  const { service, requestPath, supportedContentType, protocolNames, allowedMethods } = handler;
  return Object.assign(run, { service, method, requestPath, supportedContentType, protocolNames, allowedMethods });
}

/** A call that can be ended from within; unary calls are over soon enough. */
function endable(req: UniversalServerRequest): UniversalServerRequest {
  const ending = new AbortController();
  req.contextValues?.set(endCallKey, (error) => ending.abort(error));
  return { ...req, signal: AbortSignal.any([req.signal, ending.signal]) };
}

async function refused(
  method: DescMethod,
  req: UniversalServerRequest,
  res: UniversalServerResponse,
  observer: CallObserver,
  started: number,
): Promise<UniversalServerResponse> {
  const requestId = acceptRequestId(req.header.get(REQUEST_ID_HEADER));
  const error: ConnectError = toConnectError(await refusalOf(req, res));
  observer.begin();
  const address = req.contextValues?.get(peerAddressKey) ?? '';
  observer.end({ method, requestId, principal: undefined, address, ms: performance.now() - started, error });
  return respondWith(req, res, error, requestId);
}
