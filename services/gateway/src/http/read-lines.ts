import type { IncomingMessage } from 'node:http';
import { DomainError } from '@morag/errors';
import { hasBody, JSON_BYTES_MAX, requireIdentity } from './read-body.ts';

const LINES_TYPE = /^application\/x-ndjson\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const NEWLINE = 0x0a;

/** Bounds of a body of lines. */
export interface LineBounds {
  /** Time in which the client has to send something. */
  readonly idleMsMax: number;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/**
 * The lines of a body, each at most as long as a JSON body may be; empty ones are left out. The client is read no faster
 * than its lines are taken.
 */
export async function* readLines(request: IncomingMessage, bounds: LineBounds): AsyncGenerator<Buffer> {
  if (!hasBody(request)) return;
  requireLines(request);
  let rest: Buffer[] = [];
  let length = 0;
  const end = (last: Buffer): Buffer => {
    const line = rest.length === 0 ? last : Buffer.concat([...rest, last]);
    rest = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunksOf(request, bounds)) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const line = end(chunk.subarray(from, at));
      from = at + 1;
      if (!isBlank(line)) yield line;
    }
    const left = chunk.subarray(from);
    length += left.length;
    if (length > JSON_BYTES_MAX) throw tooLong();
    if (left.length > 0) rest.push(left);
  }
  const line = end(Buffer.alloc(0));
  if (!isBlank(line)) yield line;
}

/** What arrives, as long as something does. */
async function* chunksOf(request: IncomingMessage, { idleMsMax, signal }: LineBounds): AsyncGenerator<Buffer> {
  const chunks = request[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(tooSlow()), idleMsMax);
    const gone = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', gone, { once: true });
    if (signal.aborted) gone();
    try {
      const next = await Promise.race([chunks.next(), late]);
      if (next.done) return;
      yield next.value;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', gone);
    }
  }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
}

function requireLines({ headers }: IncomingMessage): void {
  if (!LINES_TYPE.test(headers['content-type'] ?? '')) {
    throw new DomainError('UNSUPPORTED_MEDIA_TYPE', 'The body must be application/x-ndjson in UTF-8.', {
      violations: [{ field: 'Content-Type', description: 'must be application/x-ndjson' }],
    });
  }
  requireIdentity(headers['content-encoding']);
}

function tooLong(): DomainError {
  return new DomainError('BODY_TOO_LARGE', `A line is longer than ${JSON_BYTES_MAX} bytes.`, {
    metadata: { limit: String(JSON_BYTES_MAX) },
  });
}

function tooSlow(): DomainError {
  return new DomainError('DEADLINE_EXCEEDED', 'The body did not arrive in time.');
}
