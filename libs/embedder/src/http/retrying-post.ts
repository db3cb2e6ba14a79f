import { setTimeout as sleep } from 'node:timers/promises';
import { EmbedderError } from '../embedder.error.ts';

/** The part of `fetch` that is used, so that an egress-checked one can take its place. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** How often and how patiently a call is repeated. */
export interface RetryPolicy {
  readonly attemptsMax: number;
  /** Bound of the first pause; it doubles with each attempt, and the pause is a random part of it. */
  readonly pauseMs: number;
  readonly pauseMsMax: number;
  /** Bound of one attempt. */
  readonly attemptMsMax: number;
}

export const RETRY_POLICY: RetryPolicy = { attemptsMax: 4, pauseMs: 500, pauseMsMax: 15_000, attemptMsMax: 60_000 };

/** An answer is vectors as text: 64 of 4,096 dimensions are about 6 MB. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const ERROR_TEXT_MAX = 300;

export interface PostParts {
  readonly fetch: Fetch;
  readonly headers: Readonly<Record<string, string>>;
  readonly policy: RetryPolicy;
}

/** Posts JSON and returns the JSON answer; repeats what may pass: no connection, 408, 429, 5xx. */
export async function postJson(url: string, body: unknown, parts: PostParts, signal: AbortSignal): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await post(url, body, parts, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof EmbedderError) || !error.retryable || attempt >= parts.policy.attemptsMax) throw error;
      const pauseMs = error.retryAfterMs ?? Math.random() * parts.policy.pauseMs * 2 ** (attempt - 1);
      // Longer pauses are the caller's business, who can do something else meanwhile.
      if (pauseMs > parts.policy.pauseMsMax) throw error;
      await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

async function post(url: string, body: unknown, parts: PostParts, signal: AbortSignal): Promise<unknown> {
  let status: number;
  let retryAfter: string | null;
  let text: string;
  try {
    const response = await parts.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...parts.headers },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(parts.policy.attemptMsMax)]),
    });
    status = response.status;
    retryAfter = response.headers.get('retry-after');
    text = await readBounded(response);
  } catch (cause) {
    if (cause instanceof EmbedderError) throw cause;
    throw new EmbedderError('The embedding provider cannot be reached.', { retryable: true, cause });
  }
  if (status >= 200 && status < 300) return parse(text);
  throw new EmbedderError(`The embedding provider answered ${status}: ${text.slice(0, ERROR_TEXT_MAX)}`, {
    retryable: status === 408 || status === 429 || status >= 500,
    retryAfterMs: retryAfterMs(retryAfter),
  });
}

async function readBounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > ANSWER_BYTES_MAX)
      throw new EmbedderError('The embedding provider answers without end.', { retryable: false });
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EmbedderError('The embedding provider did not answer in JSON.', { retryable: false, cause });
  }
}

/** `Retry-After` is a number of seconds or a date (RFC 9110 §10.2.3). */
export function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
