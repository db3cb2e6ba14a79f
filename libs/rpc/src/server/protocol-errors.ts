import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  createAsyncIterable,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import { codeToHttpStatus, errorFromJsonBytes, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { findTrailerError, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { trailerFlag, trailerParse, trailerSerialize } from '@connectrpc/connect/protocol-grpc-web';
import { DomainError } from '@morag/errors';
import { RequestInfoSchema } from '@morag/gen/google/rpc/error_details_pb.ts';
import { REQUEST_ID_HEADER } from '../call-context.ts';
import { parseError } from './parse-errors.ts';

type Protocol = 'connect' | 'grpc' | 'grpc-web';

function protocolOf(header: Headers): Protocol {
  const type = header.get('content-type') ?? '';
  if (type.startsWith('application/grpc-web')) return 'grpc-web';
  return type.startsWith('application/grpc') ? 'grpc' : 'connect';
}

/** Why the RPC library refused a request, read back from the response that it made. */
export async function refusalOf(req: UniversalServerRequest, res: UniversalServerResponse): Promise<DomainError> {
  switch (res.status) {
    case 405:
      return new DomainError('METHOD_NOT_ALLOWED', `This method is not called with ${req.method}.`);
    case 415:
      return new DomainError('UNSUPPORTED_MEDIA_TYPE', 'The content type is none that this method is called with.');
    case 505:
      return new DomainError('METHOD_NOT_ALLOWED', 'A method that streams both ways needs HTTP/2.');
  }
  const error = await libraryError(req, res);
  switch (error.code) {
    case Code.ResourceExhausted:
      return new DomainError('BODY_TOO_LARGE', 'The message is larger than the limit.', { cause: error });
    case Code.Internal:
    case Code.InvalidArgument:
      return parseError(error.rawMessage, error);
    case Code.DeadlineExceeded:
      return new DomainError('DEADLINE_EXCEEDED', 'The deadline passed.', { cause: error });
    case Code.Canceled:
    case Code.Aborted:
      return new DomainError('CANCELLED', 'The call was cancelled.', { cause: error });
    default:
      // An unknown compression, or not exactly one message.
      return new DomainError(
        error.rawMessage.startsWith('unknown compression') ? 'UNSUPPORTED_MEDIA_TYPE' : 'MALFORMED_BODY',
        error.rawMessage,
        { cause: error },
      );
  }
}

async function libraryError(req: UniversalServerRequest, res: UniversalServerResponse): Promise<ConnectError> {
  const unreadable = new ConnectError('the request could not be read', Code.InvalidArgument);
  switch (protocolOf(req.header)) {
    case 'connect':
      return errorFromJsonBytes(await bytesOf(res.body), undefined, unreadable);
    case 'grpc':
      await bytesOf(res.body);
      return findTrailerError(new Headers(res.trailer)) ?? unreadable;
    case 'grpc-web':
      return findTrailerError(trailerParse((await bytesOf(res.body)).subarray(ENVELOPE_BYTES))) ?? unreadable;
  }
}

async function bytesOf(body: UniversalServerResponse['body']): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// gRPC-Web: one byte of flags and four of length before each message.
const ENVELOPE_BYTES = 5;

/** An error as a response in the protocol of the request. */
export function respondWith(
  req: UniversalServerRequest,
  res: UniversalServerResponse,
  error: ConnectError,
  requestId: string,
): UniversalServerResponse {
  error.details.push({ desc: RequestInfoSchema, value: { requestId } });
  const header = new Headers(res.header);
  header.set(REQUEST_ID_HEADER, requestId);
  const isRefusedByHttp = res.status !== 200 && res.body === undefined;
  switch (protocolOf(req.header)) {
    case 'grpc':
      if (isRefusedByHttp) return { ...res, header };
      return { status: 200, header, body: res.body, trailer: mended(setTrailerStatus(new Headers(), error)) };
    case 'grpc-web': {
      if (isRefusedByHttp) return { ...res, header };
      return { status: 200, header, body: createAsyncIterable([trailerFrame(error)]) };
    }
    case 'connect': {
      const body = errorToJsonBytes(error, undefined);
      header.set('content-type', 'application/json');
      header.set('content-length', String(body.byteLength));
      header.delete('content-encoding');
      const status = isRefusedByHttp ? res.status : codeToHttpStatus(error.code);
      return { status, header, body: createAsyncIterable([body]) };
    }
  }
}

function trailerFrame(error: ConnectError): Uint8Array {
  const data = trailerSerialize(setTrailerStatus(new Headers(), error));
  const frame = Buffer.alloc(ENVELOPE_BYTES + data.byteLength);
  frame.writeUInt8(trailerFlag, 0);
  frame.writeUInt32BE(data.byteLength, 1);
  frame.set(data, ENVELOPE_BYTES);
  return frame;
}

/**
 * The library percent-encodes `grpc-message` as if it were part of a URL; gRPC wants only `%` and what is not printable
 * ASCII encoded, and grpc-js does not decode more than that (`id%3A must be …`). Other protocols pass untouched.
 */
export function mendStatus(method: DescMethod, res: UniversalServerResponse): UniversalServerResponse {
  const { trailer, body } = res;
  if (!(trailer instanceof Headers)) return res;
  // A unary call has failed or not by now; a stream may still fail, and sets its trailer when it ends.
  if (method.methodKind === 'unary' || body === undefined) {
    mended(trailer);
    return res;
  }
  return { ...res, body: thenMend(body, trailer) };
}

async function* thenMend(body: AsyncIterable<Uint8Array>, trailer: Headers): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    mended(trailer);
  }
}

const MESSAGE_HEADER = 'grpc-message';

function mended(trailer: Headers): Headers {
  const encoded = trailer.get(MESSAGE_HEADER);
  if (encoded !== null) trailer.set(MESSAGE_HEADER, encodeGrpcMessage(decodeURIComponent(encoded)));
  return trailer;
}

const encoder = new TextEncoder();

function encodeGrpcMessage(text: string): string {
  return text.replace(/[^ -$&-~]+/g, (part) =>
    Array.from(encoder.encode(part), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
