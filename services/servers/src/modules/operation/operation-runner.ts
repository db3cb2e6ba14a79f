import { createBell } from '../log/bell.ts';
import { type RunOperationDeps, runOperation } from './run-operation.ts';

/** Does the work of operations: what was started here, and what another instance has left. */
export interface OperationRunner {
  start(): void;
  /** An operation was added. */
  wake(): void;
  stop(): Promise<void>;
}

/** See createOperationRunner. */
export interface OperationRunnerDeps extends RunOperationDeps {
  readonly sweepMs: number;
  readonly retentionMs: number;
}

const RUN_AT_ONCE = 8;

/** Creates it. */
export function createOperationRunner(deps: OperationRunnerDeps): OperationRunner {
  const { operations, logger } = deps;
  const running = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  const bell = createBell();
  let sweeping: Promise<void> | undefined;

  const work = async (id: string): Promise<void> => {
    try {
      const lease = await operations.acquire(id, deps.leaseTtlMs);
      if (lease) await runOperation(deps, lease, stopping.signal);
    } catch (error) {
      logger.debug({ err: error, operationId: id }, 'an operation was put off');
    } finally {
      running.delete(id);
      if (running.size === RUN_AT_ONCE - 1) bell.ring();
    }
  };
  const sweep = async (): Promise<void> => {
    for (const id of await operations.waiting(RUN_AT_ONCE * 4)) {
      if (running.size >= RUN_AT_ONCE || stopping.signal.aborted) return;
      if (!running.has(id)) running.set(id, work(id));
    }
    await operations.prune(deps.retentionMs);
  };
  const sweepAgainAndAgain = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await sweep().catch((error: unknown) => logger.debug({ err: error }, 'looking for operations was put off'));
      await bell.wait(deps.sweepMs, stopping.signal);
    }
  };

  return {
    start() {
      sweeping = sweepAgainAndAgain();
    },
    wake: () => bell.ring(),
    async stop() {
      stopping.abort();
      await sweeping;
      await Promise.all(running.values());
    },
  };
}
