/**
 * The process in which the built-in model runs.
 *
 * A process, not a worker thread: a thread that ends while ONNX Runtime is at work (`process.exit`, `terminate`) aborts the
 * whole process (onnxruntime-node 1.30, `Napi::Error`), and a native fault or a lack of memory would do the same.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Infer, openModel } from './model.session.ts';
import type { InferenceOptions, InferenceReply, InferenceRequest } from './protocol.ts';

const queries: InferenceRequest[] = [];
const passages: InferenceRequest[] = [];

function reply(message: InferenceReply): void {
  // The owner may be gone already, which `disconnect` is about to say.
  process.send?.(message, undefined, undefined, () => {});
}

/** Answers what is queued, somebody's question always before the passages of an ingestion. */
async function work(infer: Infer): Promise<void> {
  for (;;) {
    // Lets messages in that arrived during the last run, which blocks this thread.
    await nextTurn();
    const request = queries.shift() ?? passages.shift();
    if (!request) return;
    try {
      reply({ type: 'vector', id: request.id, vector: await infer(request.text) });
    } catch (error) {
      reply({ type: 'failed', id: request.id, message: error instanceof Error ? error.message : String(error) });
    }
  }
}

async function main(options: InferenceOptions): Promise<void> {
  const infer = await openModel(options);
  let working = false;
  process.on('message', (request: InferenceRequest) => {
    (request.kind === 'query' ? queries : passages).push(request);
    if (working) return;
    working = true;
    void work(infer).finally(() => {
      working = false;
    });
  });
  reply({ type: 'ready' });
}

// The owner alone decides when this process ends: a Ctrl-C reaches the whole group, and the owner stops in its own order.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit(0));

main(JSON.parse(process.argv[2] ?? '{}') as InferenceOptions).catch((error: unknown) => {
  reply({ type: 'unusable', message: error instanceof Error ? error.message : String(error) });
});
