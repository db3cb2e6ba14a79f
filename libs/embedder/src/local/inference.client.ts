import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EmbedderError } from '../embedder.error.ts';
import type { EmbeddingKind } from '../embedder.ts';
import type { InferenceOptions, InferenceReply } from './protocol.ts';

/** Bounds of the client. */
export interface InferenceLimits {
  /** Texts that wait or run at once; more are refused. */
  readonly queueMax: number;
  /** Passages sent ahead, so that the model never waits for this process. */
  readonly windowMax: number;
  /** A model that is silent for longer while it owes an answer is killed. Loading counts, too. */
  readonly silenceMsMax: number;
}

const LIMITS: InferenceLimits = { queueMax: 16_384, windowMax: 4, silenceMsMax: 120_000 };

interface Job {
  readonly id: number;
  readonly text: string;
  readonly kind: EmbeddingKind;
  settle(answer: { vector: Float32Array } | { error: unknown }): void;
}

/** Owns the inference process: starts it with the first text, replaces it when it dies, never keeps this process alive for it. */
export class InferenceClient {
  readonly #options: InferenceOptions;
  readonly #limits: InferenceLimits;
  readonly #waiting = new Set<Job>();
  readonly #sent = new Map<number, Job>();
  #child: ChildProcess | undefined;
  #ready = false;
  #closed = false;
  #jobs = 0;
  #silence: NodeJS.Timeout | undefined;

  constructor(options: InferenceOptions, limits: Partial<InferenceLimits> = {}) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** The inference process's id while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The vector of one text, its prefix included. */
  infer(text: string, kind: EmbeddingKind, signal: AbortSignal): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.#closed) return reject(new EmbedderError('The embedder is closed.', { retryable: false }));
      if (this.#waiting.size + this.#sent.size >= this.#limits.queueMax) {
        return reject(new EmbedderError('Too many texts wait for the embedding model.', { retryable: true }));
      }
      const abort = (): void => {
        // What already runs cannot be stopped; its answer will find nobody.
        this.#waiting.delete(job);
        reject(signal.reason);
      };
      const job: Job = {
        id: this.#jobs++,
        text,
        kind,
        settle(answer) {
          signal.removeEventListener('abort', abort);
          if ('vector' in answer) resolve(answer.vector);
          else reject(answer.error);
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.add(job);
      this.#pump();
    });
  }

  /** Stops the process; what waits or runs rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    this.#lose(new EmbedderError('The embedder was closed.', { retryable: false }), { all: true });
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.ref();
    child.kill('SIGKILL');
    await gone;
  }

  #pump(): void {
    if (this.#waiting.size > 0) this.#child ??= this.#start();
    const child = this.#child;
    if (!child) return;
    if (this.#ready) {
      for (const job of this.#waiting) {
        if (job.kind === 'passage' && this.#sent.size >= this.#limits.windowMax) continue;
        this.#waiting.delete(job);
        this.#sent.set(job.id, job);
        child.send({ id: job.id, kind: job.kind, text: job.text });
      }
    }
    this.#watch(child, this.#waiting.size + this.#sent.size > 0);
  }

  #start(): ChildProcess {
    const child = fork(
      fileURLToPath(new URL('./inference.process.ts', import.meta.url)),
      [JSON.stringify(this.#options)],
      {
        serialization: 'advanced',
        execArgv: [],
        // It needs no setting, and least of all a secret.
        env: {},
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    );
    this.#ready = false;
    child.on('message', (reply: InferenceReply) => this.#receive(child, reply));
    child.on('error', (cause) => this.#died(child, cause));
    child.on('exit', (code, signal) => this.#died(child, new Error(`it ended with ${signal ?? `code ${code}`}`)));
    return child;
  }

  #receive(child: ChildProcess, reply: InferenceReply): void {
    if (child !== this.#child) return;
    this.#stopClock();
    if (reply.type === 'unusable') {
      child.kill('SIGKILL');
      const message = `The embedding model cannot be loaded: ${reply.message}`;
      return this.#lose(new EmbedderError(message, { retryable: false }), { all: true });
    }
    if (reply.type === 'ready') this.#ready = true;
    else {
      const job = this.#sent.get(reply.id);
      this.#sent.delete(reply.id);
      if (reply.type === 'vector') job?.settle({ vector: Float32Array.from(reply.vector) });
      else
        job?.settle({ error: new EmbedderError(`The embedding model failed: ${reply.message}`, { retryable: false }) });
    }
    this.#pump();
  }

  #died(child: ChildProcess, cause: unknown): void {
    if (child !== this.#child) return;
    // One that never got ready would not get ready the next time either; waiting texts would restart it without end.
    const all = !this.#ready;
    this.#lose(new EmbedderError('The embedding process died.', { retryable: true, cause }), { all });
    this.#pump();
  }

  #lose(error: EmbedderError, lost: { all: boolean }): void {
    this.#stopClock();
    this.#child = undefined;
    this.#ready = false;
    const jobs = [...this.#sent.values(), ...(lost.all ? this.#waiting : [])];
    this.#sent.clear();
    if (lost.all) this.#waiting.clear();
    for (const job of jobs) job.settle({ error });
  }

  /** Work keeps both processes alive, and the clock running that ends a silent one; only an answer sets it back. */
  #watch(child: ChildProcess, busy: boolean): void {
    if (!busy) {
      this.#stopClock();
      child.unref();
      child.channel?.unref();
      return;
    }
    child.ref();
    child.channel?.ref();
    this.#silence ??= setTimeout(() => child.kill('SIGKILL'), this.#limits.silenceMsMax).unref();
  }

  #stopClock(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }
}
