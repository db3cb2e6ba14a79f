import { ConnectorError } from './connector.error.ts';
import type { CallOptions, Vendor } from './connector.port.ts';
import { withRetries } from './retry.ts';

const TIMER_MS_MAX = 2 ** 31 - 1;

export interface Origin {
  readonly vendor: Vendor;
  readonly operation: string;
}

/** One running call, as the code that talks to the vendor sees it. */
export interface Call extends Origin {
  /** Aborts at the deadline, when the caller gives up and when the connector closes. */
  readonly signal: AbortSignal;
  /** Of the deadline; at least 1, as a bound for the server's own timeouts. */
  remainingMs(): number;
}

export interface CallsOptions {
  readonly vendor: Vendor;
  /** For calls that bring no deadline of their own. */
  readonly timeoutMs: number;
  readonly retries: number;
  /** Any error of the SDK as a `ConnectorError`; called only for errors that are not one already. */
  readonly translate: (error: unknown, origin: Origin) => ConnectorError;
}

/** Runs a connector's operations: each ends by its deadline, on abort and on close, whatever the SDK underneath does. */
export interface Calls {
  run<T>(operation: string, options: CallOptions | undefined, attempt: (call: Call) => Promise<T>): Promise<T>;
  /** Ends running calls as `cancelled`; later ones end so at once. */
  close(): void;
}

export function createCalls(config: CallsOptions): Calls {
  const { vendor } = config;
  const running = new Set<(error: ConnectorError) => void>();
  let closed = false;

  function run<T>(operation: string, options: CallOptions = {}, attempt: (call: Call) => Promise<T>): Promise<T> {
    const origin = { vendor, operation };
    if (closed) return Promise.reject(new ConnectorError('cancelled', origin, 'The connector is closed.'));
    if (options.signal?.aborted) return Promise.reject(cancelled(origin));
    return new Promise<T>((resolve, reject) => {
      const timeoutMs = options.timeoutMs ?? config.timeoutMs;
      const endsAt = performance.now() + timeoutMs;
      const controller = new AbortController();
      const settle = () => {
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', onAbort);
        running.delete(end);
      };
      const end = (error: ConnectorError) => {
        settle();
        reject(error);
        controller.abort(error);
      };
      const onAbort = () => end(cancelled(origin));
      const timer = setTimeout(() => end(timedOut(origin, timeoutMs)), Math.min(Math.max(timeoutMs, 0), TIMER_MS_MAX));
      options.signal?.addEventListener('abort', onAbort, { once: true });
      running.add(end);

      const call: Call = {
        vendor,
        operation,
        signal: controller.signal,
        remainingMs: () => Math.max(1, Math.ceil(endsAt - performance.now())),
      };
      const once = () => attempt(call).catch((error: unknown) => Promise.reject(translated(error, origin)));
      // After `end` has settled the promise, what the SDK still answers is dropped here.
      withRetries({ retries: config.retries, endsAt, signal: controller.signal }, once).then(
        (value) => {
          settle();
          resolve(value);
        },
        (error: unknown) => {
          settle();
          reject(translated(error, origin));
        },
      );
    });
  }

  function translated(error: unknown, origin: Origin): ConnectorError {
    return error instanceof ConnectorError ? error : config.translate(error, origin);
  }

  return {
    run,
    close() {
      closed = true;
      for (const end of running)
        end(new ConnectorError('cancelled', { vendor, operation: 'close' }, 'The connector was closed.'));
    },
  };
}

function cancelled(origin: Origin): ConnectorError {
  return new ConnectorError('cancelled', origin, 'The caller gave up.');
}

function timedOut(origin: Origin, timeoutMs: number): ConnectorError {
  return new ConnectorError('timeout', origin, `No answer within ${Math.round(timeoutMs)} ms.`);
}
