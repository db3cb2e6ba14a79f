/** An error as it stands in a log line. */
export interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
}

const TEXT_LENGTH_MAX = 2_000;
const CAUSES_MAX = 5;

/**
 * Name, text and stack of an error and its causes, and nothing else: other properties of drivers' errors hold statements
 * and their parameters. The stack is only given for the innermost cause, where the fault is.
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error).slice(0, TEXT_LENGTH_MAX) };
  const { name: type, cause } = error;
  const message = error.message.slice(0, TEXT_LENGTH_MAX);
  if (cause === undefined || cause === null || depth === CAUSES_MAX) {
    return { type, message, stack: error.stack?.slice(0, TEXT_LENGTH_MAX) };
  }
  return { type, message, cause: describeError(cause, depth + 1) };
}
