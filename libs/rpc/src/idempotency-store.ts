import { Code } from '@connectrpc/connect';
import { DomainError, toConnectError } from '@morag/errors';

/** One call that carries a `request_id`. */
export interface IdempotentCall {
  /** Who calls; two callers' request ids never meet. */
  readonly caller: string;
  /** Full method name. */
  readonly method: string;
  readonly requestId: string;
  /** Digest of the request message. */
  readonly fingerprint: string;
}

/** Remembers the answers of calls by their request id. */
export interface IdempotencyStore {
  /**
   * Answers with the response bytes of the first successful run of this call. Runs `execute` if there is none yet; while it
   * runs, the same call waits instead of running again. A failed run leaves nothing behind. Rejects with
   * REQUEST_ID_REUSED when the fingerprint is another one.
   */
  run(call: IdempotentCall, execute: () => Promise<Uint8Array>, signal: AbortSignal): Promise<Uint8Array>;
}

/** The error for a request id that came before with another request. */
export function requestIdReused(requestId: string): DomainError {
  return new DomainError('REQUEST_ID_REUSED', 'This request_id was used for another request.', {
    metadata: { requestId },
  });
}

interface Entry {
  readonly fingerprint: string;
  readonly response: Promise<Uint8Array>;
}

/** A store in memory, for tests and for services that keep nothing. Holds the last `entriesMax` answers. */
export function createMemoryIdempotencyStore({ entriesMax = 1_000 } = {}): IdempotencyStore {
  const entries = new Map<string, Entry>();

  const lead = async (key: string, fingerprint: string, execute: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    const response = execute();
    entries.set(key, { fingerprint, response });
    if (entries.size > entriesMax) entries.delete(entries.keys().next().value ?? key);
    try {
      return await response;
    } catch (error) {
      entries.delete(key);
      throw error;
    }
  };

  return {
    async run({ caller, method, requestId, fingerprint }, execute, signal) {
      const key = JSON.stringify([caller, method, requestId]);
      for (;;) {
        signal.throwIfAborted();
        const entry = entries.get(key);
        if (entry === undefined) return lead(key, fingerprint, execute);
        if (entry.fingerprint !== fingerprint) throw requestIdReused(requestId);
        try {
          return await entry.response;
        } catch (error) {
          // The first caller went away before its run ended: that is no answer for this one, which runs it instead.
          if (!isAbort(error)) throw error;
        }
      }
    },
  };
}

function isAbort(error: unknown): boolean {
  const { code } = toConnectError(error);
  return code === Code.Canceled || code === Code.DeadlineExceeded;
}
