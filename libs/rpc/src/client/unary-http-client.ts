import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Code, ConnectError } from '@connectrpc/connect';
import { createAsyncIterable, type UniversalClientFn } from '@connectrpc/connect/protocol';

/** See createUnaryHttpClient. */
export interface UnaryHttpClientOptions {
  readonly baseUrl: string;
  readonly agent: Agent;
  readonly messageBytesMax: number;
}

/**
 * Sends a request whose message is complete in one write with its length, and reads the response in one piece. The
 * library's own client writes head, chunks and end apart, which costs both sides more than the rest of a small call.
 */
export function createUnaryHttpClient({ baseUrl, agent, messageBytesMax }: UnaryHttpClientOptions): UniversalClientFn {
  const { protocol, hostname, port } = new URL(baseUrl);
  const send = protocol === 'https:' ? httpsRequest : httpRequest;
  return async ({ url, method, header, body, signal }) => {
    const bytes = await collect(body);
    header.set('content-length', String(bytes.byteLength));
    const path = url.slice(baseUrl.length);
    const headers = Object.fromEntries(header);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const request = send({ hostname, port, agent, method, path, headers });
      const abort = (): void => void request.destroy(signal?.reason);
      const settled = (): void => signal?.removeEventListener('abort', abort);
      const fail = (error: unknown): void => {
        settled();
        reject(error);
      };
      signal?.addEventListener('abort', abort);
      request.on('error', fail);
      request.on('response', (response) => {
        readAll(response, messageBytesMax).then((message) => {
          settled();
          resolve({
            status: response.statusCode ?? 0,
            header: toHeaders(response),
            body: createAsyncIterable([message]),
            trailer: new Headers(),
          });
        }, fail);
      });
      request.end(bytes);
    });
  };
}

async function collect(body: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  const [only] = chunks;
  return chunks.length === 1 && only ? only : Buffer.concat(chunks);
}

function readAll(response: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on('data', (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > bytesMax) {
        response.destroy(new ConnectError(`the response is larger than ${bytesMax} bytes`, Code.ResourceExhausted));
      }
    });
    response.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length)));
    response.on('error', reject);
  });
}

function toHeaders({ headers }: IncomingMessage): Headers {
  const result = new Headers();
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === 'string') result.append(name, value);
  }
  return result;
}
