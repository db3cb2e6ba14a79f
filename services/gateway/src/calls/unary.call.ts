import type { DescMessage, DescMethodUnary } from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import type { FastifyReply } from 'fastify';
import { attend } from '../http/client-gone.ts';
import { rateLimitOf } from '../http/rate-limit.ts';
import { JSON_BYTES_MAX, readJsonBody } from '../http/read-body.ts';
import type { RequestReader } from '../transcoding/request.ts';
import type { ResponseWriter } from '../transcoding/response.ts';
import { callHeaders, deadlineMs } from './call-options.ts';
import type { Exchange } from './exchange.ts';

/** A method with one message each way, ready to be called over HTTP. */
export interface UnaryRoute {
  readonly method: DescMethodUnary<DescMessage, DescMessage>;
  readonly transport: Transport;
  readonly read: RequestReader;
  readonly write: ResponseWriter;
}

/** Deadline of a call whose caller names none. */
const DEADLINE_MS = 30_000;

/** JSON in, one call, JSON out. */
export async function callUnary(
  { method, transport, read, write }: UnaryRoute,
  { request, reply, values, query }: Exchange,
): Promise<FastifyReply> {
  const timeoutMs = deadlineMs(request.headers) ?? DEADLINE_MS;
  const { signal } = attend(reply.raw);
  const headers = callHeaders({ headers: request.headers, requestId: request.id, address: request.ip });
  const body = await readJsonBody(request.raw, { bytesMax: JSON_BYTES_MAX, timeoutMs, signal });
  const message = read({ path: values, query, body, headers: request.headers });
  const response = await transport.unary(method, signal, timeoutMs, headers, message);
  const { json, etag } = write(response.message);
  if (etag !== undefined) reply.header('etag', etag);
  return reply.headers(rateLimitOf(response.header)).header('content-type', 'application/json').send(json);
}
