/** The thread in which files are read, one after the other. It may die of what it reads; see `prepareInWorker`. */
import { readFile } from 'node:fs/promises';
import { parentPort } from 'node:worker_threads';
import { DomainError, type ReasonName } from '@morag/errors';
import type { FileFacts } from '../extract/extract-document.ts';
import { type PreparedDocument, prepareDocument } from './prepare-document.ts';

/** What the thread is given. */
export interface PrepareTask {
  readonly path: string;
  readonly file: FileFacts;
}

/** What it answers. */
export type PrepareAnswer =
  | { readonly prepared: PreparedDocument }
  | { readonly reason: ReasonName; readonly message: string }
  | { readonly crash: unknown };

async function answer(task: PrepareTask): Promise<PrepareAnswer> {
  try {
    const bytes = await readFile(task.path);
    // The owner stops this thread by ending it.
    return { prepared: await prepareDocument(bytes, task.file, new AbortController().signal) };
  } catch (error) {
    return error instanceof DomainError ? { reason: error.reason, message: error.message } : { crash: error };
  }
}

parentPort?.on('message', (task: PrepareTask) => {
  void answer(task).then((it) => parentPort?.postMessage(it));
});
