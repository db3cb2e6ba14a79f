import { Readable } from 'node:stream';
import { type DescMessage, type DescMethodServerStreaming, type Message } from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import { DomainError } from '@morag/errors';
import type { FastifyReply } from 'fastify';
import { attend } from '../http/client-gone.ts';
import { toAnswer } from '../http/problems.ts';
import { rateLimitOf } from '../http/rate-limit.ts';
import { JSON_BYTES_MAX, readJsonBody } from '../http/read-body.ts';
import type { RequestReader } from '../transcoding/request.ts';
import type { ResponseWriter } from '../transcoding/response.ts';
import { callHeaders, deadlineMs } from './call-options.ts';
import { type EventFormat, eventFormatFor } from './event-format.ts';
import type { Exchange } from './exchange.ts';
import { HEARTBEAT, withHeartbeat, within } from './heartbeat.ts';

/** A method that answers with a stream, ready to be called over HTTP. */
export interface ServerStreamRoute {
  readonly method: DescMethodServerStreaming<DescMessage, DescMessage>;
  readonly transport: Transport;
  readonly read: RequestReader;
  readonly write: ResponseWriter;
}

/** Time that a stream has for its first message, or its refusal, before it is opened without one. */
const FIRST_MESSAGE_MS = 1_000;
/** Proxies close connections that are silent for a minute; the first of them after half of that. */
const HEARTBEAT_MS = 15_000;
const BODY_MS = 30_000;

/**
 * JSON in, one call, a stream out. A call that is refused before its first message is answered with the refusal's own
 * status; later failures end the stream with a problem.
 */
export async function callServerStream(
  { method, transport, read, write }: ServerStreamRoute,
  { request, reply, values, query, stopping }: Exchange,
): Promise<FastifyReply> {
  if (request.method === 'HEAD') {
    throw new DomainError('METHOD_NOT_ALLOWED', 'A stream has no head.', { metadata: { allow: 'GET' } });
  }
  const timeoutMs = deadlineMs(request.headers);
  const { signal } = attend(reply.raw, stopping);
  const headers = callHeaders({ headers: request.headers, requestId: request.id, address: request.ip });
  const body = await readJsonBody(request.raw, { bytesMax: JSON_BYTES_MAX, timeoutMs: BODY_MS, signal });
  const message = read({ path: values, query, body, headers: request.headers });

  let header: Headers | undefined;
  const call = async () => {
    const response = await transport.stream(method, signal, timeoutMs, headers, once(message));
    header = response.header;
    return response;
  };
  const messages = open(call, signal);
  const first = messages.next();
  first.catch(() => {});
  await within(first, FIRST_MESSAGE_MS);

  if (header) reply.headers(rateLimitOf(header));
  const format = eventFormatFor(request.headers.accept);
  const events = writeEvents(prepend(first, messages), { format, write, requestId: request.id });
  reply.header('content-type', format.contentType).header('x-accel-buffering', 'no');
  void reply.send(Readable.from(events, { objectMode: false }));
  // Else the head would wait for the first message.
  reply.raw.flushHeaders();
  return reply;
}

/** What is thrown once the call is aborted is why it was, not how the transport felt about it. */
async function* open(
  call: () => Promise<{ message: AsyncIterable<Message> }>,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  try {
    const response = await call();
    yield* response.message;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

async function* prepend<T>(first: Promise<IteratorResult<T>>, rest: AsyncIterator<T>): AsyncGenerator<T> {
  for (let result = await first; !result.done; result = await rest.next()) yield result.value;
}

interface EventOptions {
  readonly format: EventFormat;
  readonly write: ResponseWriter;
  readonly requestId: string;
}

async function* writeEvents(
  messages: AsyncIterator<Message>,
  { format, write, requestId }: EventOptions,
): AsyncGenerator<string> {
  try {
    for await (const message of withHeartbeat(messages, HEARTBEAT_MS)) {
      if (message !== HEARTBEAT) yield format.message(write(message).json);
      else if (format.heartbeat !== '') yield format.heartbeat;
    }
  } catch (error) {
    yield format.problem(toAnswer(error, requestId).problem);
  }
}

async function* once<T>(message: T): AsyncGenerator<T> {
  yield message;
}
