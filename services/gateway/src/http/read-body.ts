import type { IncomingMessage } from 'node:http';
import { DomainError } from '@morag/errors';

/** Largest JSON body: 1,000 vectors of 1,536 dimensions. */
export const JSON_BYTES_MAX = 32 * 1024 * 1024;

/** Whether a request comes with a body, by its headers. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Bounds of a body. */
export interface BodyBounds {
  readonly bytesMax: number;
  /** Time that the client has to send it. */
  readonly timeoutMs: number;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** Reads a JSON body; undefined when there is none, or when it is empty. Refuses other types and one that is too large. */
export async function readJsonBody(request: IncomingMessage, bounds: BodyBounds): Promise<Buffer | undefined> {
  if (!hasBody(request)) return undefined;
  requireJson(request);
  if (Number(request.headers['content-length'] ?? 0) > bounds.bytesMax) throw tooLarge(bounds.bytesMax);
  const body = await collect(request, bounds);
  return body.length === 0 ? undefined : body;
}

function collect(request: IncomingMessage, { bytesMax, timeoutMs, signal }: BodyBounds): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (result: () => void): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      result();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > bytesMax) settle(() => reject(tooLarge(bytesMax)));
    };
    const onEnd = (): void =>
      settle(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    const onError = (cause: Error): void =>
      settle(() => reject(new DomainError('CANCELLED', 'The body ended before its end.', { cause })));
    const onAbort = (): void => settle(() => reject(signal.reason as Error));
    const timer = setTimeout(() => settle(() => reject(tooSlow())), timeoutMs);
    request.on('data', onData).on('end', onEnd).on('error', onError);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

function requireJson({ headers }: IncomingMessage): void {
  const type = headers['content-type'];
  if (type === undefined || !JSON_TYPE.test(type)) {
    throw new DomainError('UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json in UTF-8.', {
      violations: [{ field: 'Content-Type', description: 'must be application/json' }],
    });
  }
  requireIdentity(headers['content-encoding']);
}

/** Refuses a body that is compressed. */
export function requireIdentity(encoding: string | undefined): void {
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return;
  throw new DomainError('UNSUPPORTED_MEDIA_TYPE', 'The body must not be compressed.', {
    violations: [{ field: 'Content-Encoding', description: 'must be identity' }],
  });
}

function tooLarge(bytesMax: number): DomainError {
  return new DomainError('BODY_TOO_LARGE', `The body is larger than ${bytesMax} bytes.`, {
    metadata: { limit: String(bytesMax) },
  });
}

function tooSlow(): DomainError {
  return new DomainError('DEADLINE_EXCEEDED', 'The body did not arrive in time.');
}
