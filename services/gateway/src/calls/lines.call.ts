import type { DescMessage, DescMethodClientStreaming } from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import { DomainError } from '@morag/errors';
import type { FastifyReply } from 'fastify';
import { attend, discardRest } from '../http/client-gone.ts';
import { rateLimitOf } from '../http/rate-limit.ts';
import { readLines } from '../http/read-lines.ts';
import type { OpenMessage } from '../transcoding/message.ts';
import type { RequestReader } from '../transcoding/request.ts';
import type { ResponseWriter } from '../transcoding/response.ts';
import { callHeaders, deadlineMs } from './call-options.ts';
import type { Exchange } from './exchange.ts';
import { reporting, single } from './stream-parts.ts';

/** A method that takes a stream of messages, ready to be called over HTTP. */
export interface LinesRoute {
  readonly method: DescMethodClientStreaming<DescMessage, DescMessage>;
  readonly transport: Transport;
  readonly read: RequestReader;
  readonly write: ResponseWriter;
}

const IDLE_MS_MAX = 30_000;

/** Lines of JSON in, each one a message of one call; JSON out. A line that is wrong ends the call with its number. */
export async function callLines(
  { method, transport, read, write }: LinesRoute,
  { request, reply, values, query }: Exchange,
): Promise<FastifyReply> {
  const timeoutMs = deadlineMs(request.headers);
  const { signal, abort } = attend(reply.raw);
  const headers = callHeaders({ headers: request.headers, requestId: request.id, address: request.ip });
  const lines = readLines(request.raw, { idleMsMax: IDLE_MS_MAX, signal });
  const messages = toMessages(lines, (body) => read({ path: values, query, body, headers: request.headers }));
  try {
    const response = await transport.stream(method, signal, timeoutMs, headers, reporting(messages, abort));
    const { json } = write(await single(response.message));
    return await reply.headers(rateLimitOf(response.header)).header('content-type', 'application/json').send(json);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    abort(new DomainError('CANCELLED', 'The call is over.'));
    discardRest(request.raw);
  }
}

async function* toMessages(
  lines: AsyncIterable<Buffer>,
  read: (line: Buffer) => OpenMessage,
): AsyncGenerator<OpenMessage> {
  let number = 0;
  for await (const line of lines) {
    number++;
    try {
      yield read(line);
    } catch (error) {
      throw error instanceof DomainError ? atLine(error, number) : error;
    }
  }
}

function atLine({ reason, message, violations, metadata }: DomainError, number: number): DomainError {
  return new DomainError(reason, `Line ${number}: ${message}`, {
    violations,
    metadata: { ...metadata, line: String(number) },
  });
}
