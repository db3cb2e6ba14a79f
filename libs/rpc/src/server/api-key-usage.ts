import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { toConnectError } from '@morag/errors';
import {
  type ApiKeyCount,
  ApiKeyCountSchema,
  type RecordApiKeyUsageRequest,
  RecordApiKeyUsageRequestSchema,
} from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import type { Logger } from '@morag/telemetry';
import { methodName } from '../method-name.ts';
import type { FinishedCall } from './call-observer.ts';

/** Counts the calls of API keys, and hands the counts to identity. */
export interface ApiKeyUsage {
  /** For every call that is over; those of others than keys are passed over. */
  count(call: FinishedCall): void;
  start(): void;
  /** Hands over what is left; gives up soon if identity is away. */
  stop(): Promise<void>;
}

/** See createApiKeyUsage. */
export interface ApiKeyUsageOptions {
  /** Adds a batch; safe to repeat. */
  readonly send: (batch: RecordApiKeyUsageRequest, signal: AbortSignal) => Promise<unknown>;
  readonly logger: Logger;
  /** The longest that a count waits here, and so the most that is lost when the process is killed. */
  readonly flushMs?: number;
}

/** As many as the contract takes in one batch. */
const COUNTS_MAX = 1_000;
/** Kept while identity is away: many more than there are keys and methods in use. */
const ENTRIES_MAX = 50_000;
const SEND_MS_MAX = 5_000;
const STOP_MS_MAX = 3_000;

/**
 * Counts in memory and hands over once a second. A batch keeps its id until identity has it, and identity adds each batch
 * once: a count can be lost when the process is killed within that second, and is never counted twice.
 */
export function createApiKeyUsage({ send, logger, flushMs = 1_000 }: ApiKeyUsageOptions): ApiKeyUsage {
  const counts = new Map<string, ApiKeyCount>();
  let pending: RecordApiKeyUsageRequest | undefined;
  let sending: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const flush = async (signal: AbortSignal): Promise<void> => {
    while (pending || counts.size > 0) {
      pending ??= takeBatch(counts);
      await send(pending, signal);
      pending = undefined;
    }
  };
  /** One at a time, so that a batch is never sent twice at once. */
  const flushNext = (timeoutMs: number): Promise<void> => {
    sending = sending
      .then(() => flush(AbortSignal.timeout(timeoutMs)))
      .catch((error: unknown) => logger.info({ err: error }, 'the usage of API keys was not taken; it is sent again'));
    return sending;
  };

  return {
    count({ method, principal, address, error }) {
      if (principal?.keyId === undefined) return;
      const now = Date.now();
      const outcome = error === undefined ? 'OK' : codeName(toConnectError(error).code);
      const day = new Date(now).toISOString().slice(0, 10);
      const key = [principal.keyId, methodName(method), day, outcome].join(' ');
      const found = counts.get(key);
      if (!found && counts.size >= ENTRIES_MAX) return;
      const entry =
        found ?? create(ApiKeyCountSchema, { apiKeyId: principal.keyId, method: methodName(method), day, outcome });
      entry.calls += 1n;
      entry.lastUseTime = timestampFromMs(now);
      entry.lastUseAddress = address;
      counts.set(key, entry);
    },
    start() {
      timer ??= setInterval(() => void flushNext(SEND_MS_MAX), flushMs).unref();
    },
    async stop() {
      clearInterval(timer);
      await flushNext(STOP_MS_MAX);
    },
  };
}

function takeBatch(counts: Map<string, ApiKeyCount>): RecordApiKeyUsageRequest {
  const taken = [...counts].slice(0, COUNTS_MAX);
  for (const [key] of taken) counts.delete(key);
  return create(RecordApiKeyUsageRequestSchema, { batchId: randomUUID(), counts: taken.map(([, count]) => count) });
}

/** `NOT_FOUND`, as gRPC writes it. */
function codeName(code: Code): string {
  return (Code[code] ?? 'Unknown').replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}
