import {
  type Category,
  ConnectorError,
  categoryOfStatus,
  networkError,
  type Origin,
  retryAfterMsOf,
} from '@morag/connectors-core';
import type { Answer } from '@morag/egress';

/** What the server's own text says more precisely than its status. */
const TEXTS: readonly (readonly [RegExp, Category, string?])[] = [
  [/^Not found: No point with id/, 'not_found', 'RECORD_NOT_FOUND'],
  [/^JSON payload \(\d+ bytes\) is larger than allowed/, 'payload_too_large'],
  [/Alias with the same name already exists$/, 'already_exists'],
  [/^Wrong input: Collection `.*` already exists!$/su, 'already_exists'],
];
const TOO_LARGE_STATUS = 413;

/**
 * An error of the SDK as a `ConnectorError`. The SDK's classes are not exported, have no names of their own, and lose
 * status and header of the very answers that say when to come back; hence what was seen on the wire decides.
 */
export function qdrantError(
  error: unknown,
  origin: Origin,
  answer: Answer,
  redact: (text: string) => string,
): ConnectorError {
  const network = networkError(answer.error ?? error, origin);
  if (network) return network;
  const { status } = answer;
  if (status === undefined) return new ConnectorError('internal', origin, redact(messageOf(error)), { cause: error });
  const said = textOf(error);
  const known = TEXTS.find(([pattern]) => said !== undefined && pattern.test(said));
  const category = known?.[1] ?? categoryOf(status, said);
  const text = category === 'protocol' ? 'What answers there is not Qdrant.' : (said ?? `Qdrant answered ${status}.`);
  return new ConnectorError(category, origin, redact(text), {
    httpStatus: status,
    retryAfterMs: retryAfterMsOf(answer.headers?.['retry-after']),
    vendorCode: known?.[2],
    cause: error,
  });
}

function categoryOf(status: number, said: string | undefined): Category {
  // A good answer that the SDK could not read, or a path that Qdrant would have answered with a text.
  if (status < 400 || (status === 404 && said === undefined)) return 'protocol';
  return status === TOO_LARGE_STATUS ? 'payload_too_large' : categoryOfStatus(status);
}

/** The server's words: `{"status":{"error":…}}`, or plain text where the key is refused. */
function textOf(error: unknown): string | undefined {
  const data: unknown = (error as { data?: unknown } | null)?.data;
  if (typeof data === 'string') return data === '' ? undefined : data;
  const said = (data as { status?: { error?: unknown } } | null | undefined)?.status?.error;
  return typeof said === 'string' && said !== '' ? said : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'Qdrant failed.';
}
