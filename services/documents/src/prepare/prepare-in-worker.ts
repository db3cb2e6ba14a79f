import { Worker } from 'node:worker_threads';
import { DomainError } from '@morag/errors';
import type { FileFacts } from '../extract/extract-document.ts';
import type { PrepareAnswer, PrepareTask } from './prepare.worker.ts';
import type { PreparedDocument } from './prepare-document.ts';

/** What reading one file may cost. */
export interface PrepareLimits {
  readonly durationMsMax: number;
  /** Of objects, and separately of buffers, which V8's own limit does not count. */
  readonly memoryMbMax: number;
}

export const PREPARE_LIMITS: PrepareLimits = { durationMsMax: 300_000, memoryMbMax: 1024 };

const MEMORY_CHECK_MS = 200;
const MB = 1024 * 1024;

/**
 * Extracts and chunks the file at `path` in a thread of its own. A file that takes too long or too much memory, or
 * crashes its parser, ends that thread alone and is reported as UNREADABLE_FILE.
 */
export function prepareInWorker(
  path: string,
  file: FileFacts,
  signal: AbortSignal,
  limits: PrepareLimits = PREPARE_LIMITS,
): Promise<PreparedDocument> {
  return runTask({ path, file }, new URL('./prepare.worker.ts', import.meta.url), signal, limits);
}

/** Runs a task in a thread of the given program; apart from `prepareInWorker` so that tests can bring a hostile one. */
export async function runTask(
  task: PrepareTask,
  program: URL,
  signal: AbortSignal,
  limits: PrepareLimits,
): Promise<PreparedDocument> {
  signal.throwIfAborted();
  const worker = new Worker(program, {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMbMax },
    // Nothing in the environment helps to read a file.
    env: {},
    execArgv: [],
  });
  const timers: NodeJS.Timeout[] = [];
  let abort = (): void => {};
  try {
    const answer = await new Promise<PrepareAnswer>((resolve, reject) => {
      const refuse = (why: string, cause?: unknown): void =>
        reject(new DomainError('UNREADABLE_FILE', `${task.file.name} ${why}.`, { cause }));
      abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      timers.push(
        setTimeout(
          refuse,
          limits.durationMsMax,
          `cannot be read within ${Math.ceil(limits.durationMsMax / 1000)} seconds`,
        ),
        setInterval(
          () => void buffersMb(worker).then((mb) => mb > limits.memoryMbMax && refuse(TOO_LARGE)),
          MEMORY_CHECK_MS,
        ),
      );
      worker.once('message', resolve);
      worker.once('error', (cause: NodeJS.ErrnoException) =>
        refuse(cause.code === 'ERR_WORKER_OUT_OF_MEMORY' ? TOO_LARGE : CRASHED, cause),
      );
      worker.once('exit', (code) => refuse(`ended its parser with code ${code}`));
    });
    if ('prepared' in answer) return answer.prepared;
    if ('reason' in answer) throw new DomainError(answer.reason, answer.message);
    throw new DomainError('UNREADABLE_FILE', `${task.file.name} ${CRASHED}.`, { cause: answer.crash });
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    await worker.terminate();
  }
}

const CRASHED = 'crashed its parser';
const TOO_LARGE = 'needs too much memory to be read';

/** Memory of the thread's buffers; 0 once it has ended. */
async function buffersMb(worker: Worker): Promise<number> {
  const statistics = await worker.getHeapStatistics().catch(() => undefined);
  return (statistics?.external_memory ?? 0) / MB;
}
