import type { ReasonName } from './reasons.ts';
import type { Violation } from './violations.ts';

/** Everything an error may carry beside its reason and text. */
export interface DomainErrorOptions {
  /** Dynamic parts for programs, sent as `ErrorInfo.metadata`. Never a secret. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The fields at fault, sent as `google.rpc.BadRequest`. */
  readonly violations?: readonly Violation[];
  /** When a repetition may succeed, sent as `google.rpc.RetryInfo` and `Retry-After`. */
  readonly retryAfterMs?: number;
  /** The foreign error behind this one: logged, never sent. */
  readonly cause?: unknown;
  /** Text for the log only (a vendor's own words, a query), never sent. */
  readonly detail?: string;
}

/**
 * The one error that use cases throw. The reason decides code and HTTP status (`REASONS`); `message` is public text and
 * goes to the caller as it is.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly reason: ReasonName;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  readonly retryAfterMs: number | undefined;
  readonly detail: string | undefined;

  constructor(reason: ReasonName, message: string, options: DomainErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.metadata = options.metadata ?? {};
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.detail = options.detail;
  }
}
