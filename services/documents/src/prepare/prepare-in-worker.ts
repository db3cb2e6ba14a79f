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

/** The program of a thread that reads files. */
export const READER: URL = new URL('./prepare.worker.ts', import.meta.url);

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
  return runTask({ path, file }, READER, signal, limits);
}

/** Runs a task in a thread of the given program; apart from `prepareInWorker` so that tests can bring a hostile one. */
export async function runTask(
  task: PrepareTask,
  program: URL,
  signal: AbortSignal,
  limits: PrepareLimits,
): Promise<PreparedDocument> {
  signal.throwIfAborted();
  const worker = startReader(program, limits);
  try {
    return await readIn(worker, task, signal, limits);
  } finally {
    await worker.terminate();
  }
}

/** Starts a thread that reads files. */
export function startReader(program: URL, limits: PrepareLimits): Worker {
  return new Worker(program, {
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMbMax },
    // Nothing in the environment helps to read a file.
    env: {},
    execArgv: [],
  });
}

/** Has a thread read a file. Unless it rejects with a reason of the file's own, the thread must be ended when it rejects. */
export async function readIn(
  worker: Worker,
  task: PrepareTask,
  signal: AbortSignal,
  limits: PrepareLimits,
): Promise<PreparedDocument> {
  const done = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  try {
    const answer = await new Promise<PrepareAnswer>((resolve, reject) => {
      const refuse = (why: string, cause?: unknown): void =>
        reject(new DomainError('UNREADABLE_FILE', `${task.file.name} ${why}.`, { cause }));
      signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: done.signal });
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
      worker.postMessage(task);
    });
    if ('prepared' in answer) return answer.prepared;
    if ('reason' in answer) throw new DomainError(answer.reason, answer.message);
    throw new DomainError('UNREADABLE_FILE', `${task.file.name} ${CRASHED}.`, { cause: answer.crash });
  } finally {
    done.abort();
    for (const timer of timers) clearTimeout(timer);
    for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
  }
}

const CRASHED = 'crashed its parser';
const TOO_LARGE = 'needs too much memory to be read';

/** Memory of the thread's buffers; 0 once it has ended. */
async function buffersMb(worker: Worker): Promise<number> {
  const statistics = await worker.getHeapStatistics().catch(() => undefined);
  return (statistics?.external_memory ?? 0) / MB;
}
