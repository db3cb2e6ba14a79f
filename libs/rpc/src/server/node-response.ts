import type { ServerResponse } from 'node:http';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import type { NodeResponse } from './probes.ts';

/**
 * Writes a response of the RPC library. One that is a single message leaves in one write, trailers included. A stream is
 * written as it comes, at the client's pace; when the client leaves, the source is told to end.
 */
export async function writeResponse(response: UniversalServerResponse, res: NodeResponse, isSingle: boolean) {
  // The two versions have the same methods in classes without a common type.
  const out = res as ServerResponse;
  const source = response.body?.[Symbol.asyncIterator]();
  if (source === undefined) {
    out.writeHead(response.status, toNodeHeaders(response.header)).end();
  } else if (isSingle) {
    const body = await collect(source);
    writeHead(out, response);
    finish(out, response, body);
  } else {
    await stream(out, response, source);
  }
}

async function stream(out: ServerResponse, response: UniversalServerResponse, source: AsyncIterator<Uint8Array>) {
  try {
    // Handlers may set headers until their first message.
    let next = await source.next();
    writeHead(out, response);
    while (next.done !== true && !out.destroyed) {
      if (!out.write(next.value)) await drained(out);
      next = await source.next();
    }
    finish(out, response);
  } finally {
    await source.return?.();
  }
}

async function collect(source: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  const first = await source.next();
  if (first.done === true) return undefined;
  const chunks = [first.value];
  for (let next = await source.next(); next.done !== true; next = await source.next()) chunks.push(next.value);
  return chunks.length === 1 ? first.value : Buffer.concat(chunks);
}

function writeHead(out: ServerResponse, { status, header }: UniversalServerResponse): void {
  out.writeHead(status, toNodeHeaders(header));
}

/** Trailers are known only after the last message. */
function finish(out: ServerResponse, { trailer }: UniversalServerResponse, last?: Uint8Array): void {
  if (trailer !== undefined) out.addTrailers(toNodeHeaders(trailer));
  if (last === undefined) out.end();
  else out.end(last);
}

function toNodeHeaders(headers: UniversalServerResponse['header']): Record<string, string> {
  const result: Record<string, string> = {};
  const all = headers instanceof Headers ? headers : new Headers(headers);
  all.forEach((value, name) => {
    result[name] = value;
  });
  return result;
}

/** Resolves when there is room again, or nobody left to write to. */
function drained(out: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      out.off('drain', done).off('close', done);
      resolve();
    };
    out.on('drain', done).on('close', done);
  });
}
