import { createContextValues } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { DomainError, httpStatusOf, toConnectError, toProblem } from '@morag/errors';
import { acceptRequestId, peerAddressKey, REQUEST_ID_HEADER } from '../call-context.ts';
import { type NodeRequest, type NodeResponse, sendJson } from './probes.ts';

/** See createNodeHandler. */
export interface NodeHandlerParts {
  readonly handlers: readonly UniversalHandler[];
  readonly probes: (path: string, res: NodeResponse) => boolean;
  readonly isStopping: () => boolean;
}

/** The listener of both HTTP servers: RPCs by their path, then the probes, then 404. */
export function createNodeHandler({ handlers, probes, isStopping }: NodeHandlerParts) {
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));
  return (req: NodeRequest, res: NodeResponse): void => {
    // A client that goes away in the middle of its response is nobody's fault.
    res.on('error', () => {});
    if (isStopping() && req.httpVersionMajor === 1) res.setHeader('connection', 'close');
    const path = pathOf(req);
    const handler = byPath.get(path);
    if (handler !== undefined) serve(handler, req, res);
    else if (!probes(path, res)) refuse(req, res, new DomainError('ROUTE_NOT_FOUND', 'No such path here.'));
  };
}

function serve(handler: UniversalHandler, req: NodeRequest, res: NodeResponse): void {
  if (req.httpVersionMajor === 1 && req.headers.host === undefined) {
    refuse(req, res, new DomainError('MALFORMED_BODY', 'The header Host is missing.'));
    return;
  }
  const address = req.socket.remoteAddress ?? '';
  const values = createContextValues().set(peerAddressKey, address);
  handler(universalRequestFromNodeRequest(req, res, undefined, values))
    .then((response) => universalResponseToNodeResponse(response, res))
    // Whatever fails here is the connection: the handler itself answers with a response, also to its errors.
    .catch(() => void ('stream' in res ? res.stream.destroy() : res.destroy()));
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
