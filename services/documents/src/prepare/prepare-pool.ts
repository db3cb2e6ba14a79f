import type { Worker } from 'node:worker_threads';
import { reasonOf } from '@morag/errors';
import type { FileFacts } from '../extract/extract-document.ts';
import type { PreparedDocument } from './prepare-document.ts';
import { PREPARE_LIMITS, type PrepareLimits, READER, readIn, startReader } from './prepare-in-worker.ts';

/** Threads that read files and are kept for the next one. */
export interface PreparePool {
  /** As `prepareInWorker`. */
  prepare(path: string, file: FileFacts, signal: AbortSignal): Promise<PreparedDocument>;
  /** Ends the idle threads; the others end with their file. */
  close(): Promise<void>;
}

interface IdleReader {
  readonly worker: Worker;
  readonly filesRead: number;
  readonly timer: NodeJS.Timeout;
}

/** A thread costs half a second of processor time to start and some 50 MB to keep: worth it while files come one after the other. */
const IDLE_MS = 20_000;
/** What files leave behind in a parser goes with its thread. */
const FILES_MAX = 50;
/** As many as there are workers: else those in excess would start a thread for each file. */
const IDLE_MAX = 4;

/**
 * Reads files in threads that are used again as long as they answer properly: a thread that crashed, ran out of time or
 * memory, or was given up in the middle of a file is ended.
 */
export function createPreparePool(limits: PrepareLimits = PREPARE_LIMITS): PreparePool {
  const idle: IdleReader[] = [];
  let closed = false;

  const take = (): { worker: Worker; filesRead: number } => {
    const reader = idle.pop();
    if (reader === undefined) return { worker: startReader(READER, limits), filesRead: 0 };
    clearTimeout(reader.timer);
    for (const event of ['error', 'exit']) reader.worker.removeAllListeners(event);
    reader.worker.ref();
    return reader;
  };
  const drop = (worker: Worker): void => {
    const at = idle.findIndex((reader) => reader.worker === worker);
    if (at >= 0) clearTimeout(idle.splice(at, 1)[0]?.timer);
  };
  const keep = async (worker: Worker, filesRead: number): Promise<void> => {
    if (closed || filesRead >= FILES_MAX || idle.length >= IDLE_MAX) {
      await worker.terminate();
      return;
    }
    const timer = setTimeout(() => {
      drop(worker);
      void worker.terminate();
    }, IDLE_MS).unref();
    worker.once('error', () => drop(worker));
    worker.once('exit', () => drop(worker));
    worker.unref();
    idle.push({ worker, filesRead, timer });
  };

  return {
    async prepare(path, file, signal) {
      signal.throwIfAborted();
      const { worker, filesRead } = take();
      let isSound = false;
      try {
        const prepared = await readIn(worker, { path, file }, signal, limits);
        isSound = true;
        return prepared;
      } catch (error) {
        // UNREADABLE_FILE may be the file's own, or a thread's that is no longer to be trusted.
        isSound =
          !signal.aborted && ['EMPTY_FILE', 'NO_TEXT_FOUND', 'UNSUPPORTED_FILE_TYPE'].includes(reasonOf(error) ?? '');
        throw error;
      } finally {
        await (isSound ? keep(worker, filesRead + 1) : worker.terminate());
      }
    },
    async close() {
      closed = true;
      await Promise.all(
        idle.splice(0).map(({ worker, timer }) => {
          clearTimeout(timer);
          return worker.terminate();
        }),
      );
    },
  };
}
