import { EventEmitter } from 'node:events';

/** Says within this process that something happened. Hearing it is never needed for correctness: who waits also polls. */
export interface JobBus {
  /** A job changed. */
  changed(jobId: string): void;
  onChanged(jobId: string, listener: () => void): () => void;
  /** Jobs may be ready to be worked on. */
  ready(): void;
  onReady(listener: () => void): () => void;
  /** Something is left to be done for the reconciler. */
  untidy(): void;
  onUntidy(listener: () => void): () => void;
}

/** Creates the bus of one process. */
export function createJobBus(): JobBus {
  const emitter = new EventEmitter().setMaxListeners(0);
  const on = (event: string, listener: () => void): (() => void) => {
    emitter.on(event, listener);
    return () => void emitter.off(event, listener);
  };
  return {
    changed: (jobId) => void emitter.emit(`job:${jobId}`),
    onChanged: (jobId, listener) => on(`job:${jobId}`, listener),
    ready: () => void emitter.emit('ready'),
    onReady: (listener) => on('ready', listener),
    untidy: () => void emitter.emit('untidy'),
    onUntidy: (listener) => on('untidy', listener),
  };
}
