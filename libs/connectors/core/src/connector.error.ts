import type { Vendor } from './connector.port.ts';
import { cleanText } from './redact.ts';

/**
 * What went wrong, for programs. `host_denied`: this installation's rules forbid connecting to that host.
 * `protocol`: something answered that is not this vendor.
 */
export const CATEGORIES = [
  'unauthenticated',
  'permission_denied',
  'not_found',
  'already_exists',
  'invalid_argument',
  'unsupported',
  'rate_limited',
  'payload_too_large',
  'unavailable',
  'timeout',
  'cancelled',
  'conflict',
  'host_denied',
  'protocol',
  'internal',
] as const;
export type Category = (typeof CATEGORIES)[number];

const RETRYABLE: ReadonlySet<Category> = new Set(['rate_limited', 'unavailable', 'timeout']);

export interface ConnectorErrorDetails {
  readonly retryAfterMs?: number;
  readonly httpStatus?: number;
  /** SQLSTATE, the vendor's error class or its machine-readable code. */
  readonly vendorCode?: string;
  readonly cause?: unknown;
  /** Overrides what the category implies. */
  readonly retryable?: boolean;
}

/** The only error that a connector rejects with. Its message is safe to show: cleaned, bounded and without secrets. */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly category: Category;
  readonly vendor: Vendor;
  readonly operation: string;
  /** The same call may succeed later. */
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly httpStatus?: number;
  readonly vendorCode?: string;
  readonly #thrown: unknown;

  constructor(
    category: Category,
    origin: { vendor: Vendor; operation: string },
    message: string,
    details: ConnectorErrorDetails = {},
  ) {
    super(cleanText(message));
    this.category = category;
    this.vendor = origin.vendor;
    this.operation = origin.operation;
    this.retryable = details.retryable ?? RETRYABLE.has(category);
    this.retryAfterMs = details.retryAfterMs;
    this.httpStatus = details.httpStatus;
    this.vendorCode = details.vendorCode;
    this.#thrown = details.cause;
  }

  /**
   * What the vendor's SDK threw, for programs. Not the error's `cause`, which loggers print with all that SDKs attach:
   * headers with keys in them, parameters, vectors, and the server's text as it came.
   */
  get thrown(): unknown {
    return this.#thrown;
  }
}

/** True for errors that already carry a category. */
export function isConnectorError(error: unknown): error is ConnectorError {
  return error instanceof ConnectorError;
}

/** Whether it is a `ConnectorError` of this category. */
export function hasCategory(error: unknown, category: Category): error is ConnectorError {
  return isConnectorError(error) && error.category === category;
}

/** Whether it says that what was asked for is not there. */
export function isNotFound(error: unknown): error is ConnectorError {
  return hasCategory(error, 'not_found');
}
