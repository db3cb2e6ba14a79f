import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError, isPassing } from '@morag/errors';
import type { Logger } from '@morag/telemetry';
import type { OperationLease, OperationOutcome, OperationStore } from './operation.store.ts';
import type {
  OperationContext,
  OperationFailure,
  OperationKind,
  OperationProgress,
  OperationWork,
} from './operation.ts';

/** See runOperation. */
export interface RunOperationDeps {
  readonly operations: OperationStore;
  readonly works: Readonly<Partial<Record<OperationKind, OperationWork>>>;
  readonly logger: Logger;
  readonly leaseTtlMs: number;
}

const RENEWALS_PER_TTL = 10;
/** What is passing by its nature is tried again so often, and told only then. */
const RETRIES_MAX = 5;
const RETRY_MS = 1_000;

/**
 * Works on an operation while its lease holds, and stores what became of it. What it leaves undone, because this
 * instance stops or dies, is taken up by another one.
 */
export async function runOperation(
  deps: RunOperationDeps,
  lease: OperationLease,
  stopping: AbortSignal,
): Promise<void> {
  const { operations, logger, leaseTtlMs } = deps;
  const taken = new AbortController();
  const cancelling = new AbortController();
  const renew = async (): Promise<void> => {
    const state = await operations.renew(lease, leaseTtlMs);
    if (!state) taken.abort(new OperationTaken());
    else if (state.isCancelRequested) cancelling.abort(new OperationCancelled());
  };
  // PostgreSQL may be away for a moment; the next renewal may come in time.
  const timer = setInterval(() => void renew().catch(() => {}), leaseTtlMs / RENEWALS_PER_TTL);
  const signal = AbortSignal.any([stopping, taken.signal]);
  const report = async (progress: OperationProgress): Promise<void> => {
    if (await operations.save(lease, progress)) return;
    taken.abort(new OperationTaken());
    signal.throwIfAborted();
  };
  try {
    await renew().catch(() => {});
    const context: OperationContext = { signal, cancelled: cancelling.signal, report };
    const outcome = await outcomeOf(deps, lease, context);
    if (outcome) await operations.finish(lease, outcome);
  } catch (error) {
    logger.warn({ err: error, operationId: lease.operation.id }, 'an operation was left for later');
  } finally {
    clearInterval(timer);
    await operations.release(lease).catch(() => {});
  }
}

/** Undefined when the work is to be left for another instance, or for later. */
async function outcomeOf(
  { works, logger }: RunOperationDeps,
  { operation }: OperationLease,
  context: OperationContext,
): Promise<OperationOutcome | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      const work = works[operation.kind];
      if (!work) throw new Error(`nothing does operations of the kind ${operation.kind}`);
      return { response: await work.run(operation, context) };
    } catch (error) {
      if (context.signal.aborted) return undefined;
      if (attempt > RETRIES_MAX || !mayPass(error)) {
        const failure = failureOf(error);
        logger.info({ err: error, operationId: operation.id, kind: operation.kind }, 'an operation failed');
        return { failure };
      }
      await sleep(RETRY_MS * attempt, undefined, { signal: context.signal }).catch(() => {});
    }
  }
}

/** Whether an error is one of the moment. */
export function mayPass(error: unknown): boolean {
  return error instanceof DomainError && isPassing(error.reason);
}

function failureOf(error: unknown): OperationFailure {
  if (error instanceof OperationCancelled) return { reason: 'CANCELLED', text: error.message };
  if (error instanceof DomainError) return { reason: error.reason, text: error.message };
  return { reason: 'INTERNAL', text: 'The operation failed; the cause is in the service log.' };
}

/** Its owner wants the operation to end: thrown by work that has undone what it did. */
export class OperationCancelled extends Error {
  override readonly name = 'OperationCancelled';
  override readonly message = 'The operation was cancelled.';
}

class OperationTaken extends Error {
  override readonly name = 'OperationTaken';
  override readonly message = 'Another instance has taken over.';
}
