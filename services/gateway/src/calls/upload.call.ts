import type { DescMessage, DescMethodClientStreaming } from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import { DomainError } from '@morag/errors';
import type { FastifyReply } from 'fastify';
import { attend, discardRest } from '../http/client-gone.ts';
import { rateLimitOf } from '../http/rate-limit.ts';
import { requireIdentity } from '../http/read-body.ts';
import type { OpenMessage } from '../transcoding/message.ts';
import type { ResponseWriter } from '../transcoding/response.ts';
import type { UploadReader } from '../transcoding/upload-request.ts';
import { callHeaders, deadlineMs } from './call-options.ts';
import type { Exchange } from './exchange.ts';
import { readForm } from './multipart.ts';
import { reporting, single } from './stream-parts.ts';

/** A method that takes a file as a stream, ready to be called over HTTP. */
export interface UploadRoute {
  readonly method: DescMethodClientStreaming<DescMessage, DescMessage>;
  readonly transport: Transport;
  readonly read: UploadReader;
  readonly write: ResponseWriter;
  readonly fileBytesMax: number;
}

const IDLE_MS_MAX = 30_000;
/** Largest piece of content in one message. */
const PIECE_BYTES_MAX = 256 * 1024;

/**
 * A form in, its file streamed into one call, JSON out. The call decides when it has seen enough: its answer, also a refusal
 * in the middle of the file, goes to the client at once.
 */
export async function callUpload(
  { method, transport, read, write, fileBytesMax }: UploadRoute,
  { request, reply, values, query }: Exchange,
): Promise<FastifyReply> {
  if (query !== '') throw new DomainError('INVALID_ARGUMENT', 'An upload takes no query; its fields are in the form.');
  requireIdentity(request.headers['content-encoding']);
  const timeoutMs = deadlineMs(request.headers);
  const { signal, abort } = attend(reply.raw);
  const headers = callHeaders({ headers: request.headers, requestId: request.id, address: request.ip });
  const { fields, file } = await readForm(request.raw, { fileBytesMax, idleMsMax: IDLE_MS_MAX, signal });

  const head = read.head({ path: values, fields, fileName: file.name, mediaType: file.mediaType });
  // A file that breaks off must not look complete: the call ends with its form.
  const content = reporting(file.content, abort);
  try {
    const response = await transport.stream(method, signal, timeoutMs, headers, messages(head, content, read));
    const { json, etag } = write(await single(response.message));
    if (etag !== undefined) reply.header('etag', etag);
    return await reply.headers(rateLimitOf(response.header)).header('content-type', 'application/json').send(json);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    abort(new DomainError('CANCELLED', 'The call is over.'));
    discardRest(request.raw);
  }
}

async function* messages(
  head: OpenMessage,
  content: AsyncIterable<Uint8Array>,
  read: UploadReader,
): AsyncGenerator<OpenMessage> {
  yield head;
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES_MAX) {
      yield read.piece(chunk.subarray(at, at + PIECE_BYTES_MAX));
    }
  }
}
