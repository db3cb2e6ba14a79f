import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { DomainError, httpStatusOf, toConnectError, toProblem } from '@morag/errors';
import { acceptRequestId, REQUEST_ID_HEADER } from '../call-context.ts';
import type { ClientAddress } from './client-address.ts';
import { type BodyLimits, toUniversalRequest } from './node-request.ts';
import { writeResponse } from './node-response.ts';
import { type NodeRequest, type NodeResponse, sendJson } from './probes.ts';

/** See createNodeHandler. */
export interface NodeHandlerParts {
  readonly handlers: readonly UniversalHandler[];
  readonly probes: (path: string, res: NodeResponse) => boolean;
  readonly isStopping: () => boolean;
  readonly limits: BodyLimits;
  readonly clientAddress: ClientAddress;
}

/** See createNodeHandler. */
export interface NodeHandler {
  /** For both HTTP servers. */
  readonly listener: (req: NodeRequest, res: NodeResponse) => void;
  /** Resolves when every response that was begun is out, or its client gone. */
  flushed(): Promise<void>;
}

/** RPCs by their path, then the probes, then 404. */
export function createNodeHandler(parts: NodeHandlerParts): NodeHandler {
  const byPath = new Map(parts.handlers.map((handler) => [handler.requestPath, handler]));
  const open = createOpenCount();
  const listener = (req: NodeRequest, res: NodeResponse): void => {
    open.add();
    res.once('close', open.remove);
    // A client that goes away in the middle of its request or response is nobody's fault.
    req.on('error', () => {});
    res.on('error', () => {});
    if (req.httpVersionMajor === 1) res.once('finish', () => discardRest(req));
    const path = pathOf(req);
    const handler = byPath.get(path);
    if (handler !== undefined) void serve(handler, req, res, parts);
    else if (!parts.probes(path, res)) refuse(req, res, new DomainError('ROUTE_NOT_FOUND', 'No such path here.'));
  };
  return { listener, flushed: open.none };
}

function createOpenCount() {
  let count = 0;
  const waiting: (() => void)[] = [];
  return {
    add: () => void (count += 1),
    remove() {
      count -= 1;
      if (count === 0) for (const resolve of waiting.splice(0)) resolve();
    },
    none: () => (count === 0 ? Promise.resolve() : new Promise<void>((resolve) => waiting.push(resolve))),
  };
}

async function serve(
  handler: UniversalHandler,
  req: NodeRequest,
  res: NodeResponse,
  parts: NodeHandlerParts,
): Promise<void> {
  const { methodKind } = handler.method;
  const isSingle = methodKind === 'unary' || methodKind === 'client_streaming';
  try {
    const request = await toUniversalRequest(handler, req, res, parts);
    const response = await handler(request);
    if (parts.isStopping() && req.httpVersionMajor === 1) res.setHeader('connection', 'close');
    await writeResponse(response, res, isSingle);
  } catch {
    // The handler answers its own errors with a response, so what failed is the connection.
    if ('stream' in res) res.stream.destroy();
    else res.destroy();
  }
}

// What a client sends after its request was refused is thrown away up to this, so that it gets to read why.
const DISCARD_BYTES_MAX = 4 * 1024 * 1024;

/** Unread, the rest of a body would block the connection's next request. */
function discardRest(req: NodeRequest): void {
  if (req.complete) return;
  let discarded = 0;
  req.on('data', (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > DISCARD_BYTES_MAX) req.socket.destroy();
  });
  req.resume();
}

function pathOf({ url = '' }: NodeRequest): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

function refuse(req: NodeRequest, res: NodeResponse, reason: DomainError): void {
  const given = req.headers[REQUEST_ID_HEADER];
  const requestId = acceptRequestId(typeof given === 'string' ? given : null);
  const error = toConnectError(reason);
  res.setHeader(REQUEST_ID_HEADER, requestId);
  sendJson(res, httpStatusOf(error), toProblem(error, requestId));
}
