import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { DomainError } from '@morag/errors';

/** The file of an upload. */
export interface UploadedFile {
  /** Its name without any folder; empty when the client gave none. */
  readonly name: string;
  readonly mediaType: string;
  /** Its content as it arrives. Ends only when the whole form has proved to be in order. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** A form, read as far as its file needs. */
export interface UploadForm {
  /** Fields by name. */
  readonly fields: ReadonlyMap<string, string>;
  readonly file: UploadedFile;
}

/** Bounds of a form. */
export interface UploadBounds {
  readonly fileBytesMax: number;
  /** Longest time to wait for the next bytes. */
  readonly idleMsMax: number;
  /** Aborts when the client is gone or the call has failed. */
  readonly signal: AbortSignal;
}

const FIELD_BYTES_MAX = 64 * 1024;
const FIELDS_MAX = 20;
/** A file up to this size is waited for, so that fields may also follow it. */
const HELD_BYTES_MAX = 1024 * 1024;

/**
 * Reads a `multipart/form-data` with one file, which is streamed. The fields go to the service first, so those of a large
 * file stand before it: nothing is kept back for long to wait for them. A form that breaks a rule after its content has begun
 * to flow makes `content` fail.
 */
export function readForm(request: IncomingMessage, bounds: UploadBounds): Promise<UploadForm> {
  const parser = createParser(request, bounds);
  const fields = new Map<string, string>();
  let file: Readable | undefined;
  let flows = false;
  return new Promise((resolve, reject) => {
    const form = createWatch(request, bounds, (error) => {
      request.unpipe(parser);
      reject(error);
      file?.destroy(error);
      parser.destroy();
    });
    parser.on('field', (name, value, nameTruncated, valueTruncated) => {
      if (flows) form.fail(invalid(name, 'must stand before a file of this size'));
      else if (nameTruncated || valueTruncated) form.fail(invalid(name, `must not exceed ${FIELD_BYTES_MAX} bytes`));
      else if (fields.has(name)) form.fail(invalid(name, 'is given twice'));
      else fields.set(name, value);
    });
    parser.on('file', (part, stream, name, _encoding, mediaType) => {
      stream.on('error', () => {});
      if (part !== 'file' || file !== undefined) {
        stream.resume();
        form.fail(invalid(part, file === undefined ? 'is not a known file; send it as "file"' : 'is given twice'));
        return;
      }
      file = stream;
      stream.on('limit', () => form.fail(tooLarge(bounds.fileBytesMax)));
      hold(stream, form.complete).then((content) => {
        flows = true;
        resolve({ fields, file: { name: name ?? '', mediaType, content } });
      }, reject);
    });
    parser.on('fieldsLimit', () => form.fail(invalid('', `has more than ${FIELDS_MAX} fields`)));
    parser.on('finish', () => (file === undefined ? form.fail(invalid('file', 'is missing')) : form.succeed()));
    parser.on('error', (cause) => form.fail(malformed(cause)));
    request.pipe(parser);
  });
}

/** Takes in a small file as a whole, and what follows it; of a large one only the beginning, the rest as it comes. */
async function hold(stream: Readable, complete: Promise<void>): Promise<AsyncIterable<Uint8Array>> {
  const iterator: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let size = 0;
  while (size <= HELD_BYTES_MAX) {
    const result = await iterator.next();
    if (result.done) {
      await complete;
      break;
    }
    held.push(result.value);
    size += result.value.length;
  }
  return contentOf(held, iterator, complete);
}

async function* contentOf(
  held: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
  complete: Promise<void>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* held;
    for (let result = await rest.next(); !result.done; result = await rest.next()) yield result.value;
    await complete;
  } finally {
    await rest.return?.();
  }
}

interface Watch {
  /** Settles when the whole form has been read. */
  readonly complete: Promise<void>;
  succeed(): void;
  fail(error: DomainError): void;
}

/** Watches over the arrival of a form: that the client is there, and goes on sending. */
function createWatch(
  request: IncomingMessage,
  { idleMsMax, signal }: UploadBounds,
  onFailure: (error: Error) => void,
): Watch {
  let over = false;
  const { promise: complete, resolve, reject } = Promise.withResolvers<void>();
  // Whoever reads the content sees it; a form that fails before its file has no reader.
  complete.catch(() => {});
  const end = (): boolean => {
    if (over) return false;
    over = true;
    clearInterval(timer);
    signal.removeEventListener('abort', onAbort);
    request.off('data', onData);
    return true;
  };
  const fail = (error: Error): void => {
    if (!end()) return;
    reject(error);
    onFailure(error);
  };
  const onAbort = (): void => fail(signal.reason as Error);
  let arrived = true;
  const onData = (): void => {
    arrived = true;
  };
  const timer = setInterval(() => {
    // A request that is paused waits for the service behind, not for its client.
    if (!arrived && !request.isPaused()) fail(new DomainError('DEADLINE_EXCEEDED', 'The upload has stalled.'));
    arrived = false;
  }, idleMsMax);
  signal.addEventListener('abort', onAbort);
  request.on('data', onData);
  if (signal.aborted) onAbort();
  return {
    complete,
    fail,
    succeed: () => {
      if (end()) resolve();
    },
  };
}

function createParser(request: IncomingMessage, { fileBytesMax }: UploadBounds): BusboyInstance {
  const type = request.headers['content-type'];
  if (type === undefined || !/^multipart\/form-data\s*;/i.test(type)) {
    throw new DomainError('UNSUPPORTED_MEDIA_TYPE', 'The body must be multipart/form-data.', {
      violations: [{ field: 'Content-Type', description: 'must be multipart/form-data' }],
    });
  }
  if (Number(request.headers['content-length'] ?? 0) > fileBytesMax + FIELDS_MAX * FIELD_BYTES_MAX) {
    throw tooLarge(fileBytesMax);
  }
  try {
    return new Busboy({
      headers: request.headers as BusboyHeaders,
      limits: { fileSize: fileBytesMax, fields: FIELDS_MAX, fieldSize: FIELD_BYTES_MAX, headerPairs: 20 },
    });
  } catch (cause) {
    throw malformed(cause);
  }
}

function invalid(field: string, description: string): DomainError {
  const text = `${field === '' ? 'The form' : field} ${description}.`;
  return new DomainError('INVALID_ARGUMENT', text, { violations: [{ field, description }] });
}

function malformed(cause: unknown): DomainError {
  return new DomainError('MALFORMED_BODY', 'The body is not valid multipart/form-data.', { cause });
}

function tooLarge(bytesMax: number): DomainError {
  return new DomainError('FILE_TOO_LARGE', `The file is larger than ${bytesMax} bytes.`, {
    metadata: { limit: String(bytesMax) },
  });
}
