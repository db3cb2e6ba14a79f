import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError } from '@morag/errors';

/** Life of one request. */
export interface Attendance {
  /** Aborts when the client goes away before its answer is complete, or the gateway stops. */
  readonly signal: AbortSignal;
  /** Aborts for a reason of the gateway's own. */
  abort(reason: unknown): void;
}

/** Follows a request until its answer is out. */
export function attend(response: ServerResponse, stopping?: AbortSignal): Attendance {
  const controller = new AbortController();
  const abort = (reason: unknown): void => controller.abort(reason);
  const onStop = (): void => abort(new DomainError('UNAVAILABLE', 'The gateway is stopping.', { retryAfterMs: 1_000 }));
  stopping?.addEventListener('abort', onStop);
  if (stopping?.aborted) onStop();
  response.once('close', () => {
    stopping?.removeEventListener('abort', onStop);
    if (!response.writableFinished) abort(new DomainError('CANCELLED', 'The caller went away.'));
  });
  return { signal: controller.signal, abort };
}

const REST_BYTES_MAX = 64 * 1024 * 1024;
const REST_MS_MAX = 5_000;

/**
 * Lets a client that is still sending finish for a while after its answer: closing at once would reset the connection, and
 * the answer with it. One that goes on for too long is cut off.
 */
export function discardRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let bytes = 0;
  const timer = setTimeout(() => request.destroy(), REST_MS_MAX);
  timer.unref();
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > REST_BYTES_MAX) request.destroy();
  });
  request.once('close', () => clearTimeout(timer));
  request.once('end', () => clearTimeout(timer));
  request.on('error', () => {});
  request.resume();
}
