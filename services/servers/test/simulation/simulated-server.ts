import type { StoredRecord } from '@morag/connectors-core';
import { MemoryServer } from '../memory-server.ts';

/** The one collection of each server. */
export const COLLECTION = 'records';

/** A database server that can be killed, frozen and slowed, and that may lose what it confirmed shortly before. */
export class SimulatedServer {
  readonly id: string;
  readonly memory = new MemoryServer();
  isUp = true;
  isFrozen = false;
  slowMs = 0;
  /** Goes up with each kill. */
  generation = 0;
  /** Of the process that runs now. */
  startedAtMs = Number.NEGATIVE_INFINITY;
  readonly #flushMs: number;
  #flushed = new Map<string, StoredRecord>();

  /** With `flushMs`, what was confirmed is kept over a kill only after up to so long; 0 for at once. */
  constructor(id: string, flushMs: number) {
    this.id = id;
    this.#flushMs = flushMs;
    this.memory.collections.set(COLLECTION, {
      spec: { name: COLLECTION, dimension: 2, metric: 'euclidean' },
      records: new Map(),
    });
    if (flushMs === 0) return;
    this.memory.capabilities = { ...this.memory.capabilities, uncleanStopWindowMs: flushMs };
    setInterval(() => {
      this.#flushed = new Map(this.records);
    }, flushMs);
  }

  /** A kill costs it what it confirmed a moment before. */
  get isFragile(): boolean {
    return this.#flushMs > 0;
  }

  get records(): Map<string, StoredRecord> {
    return this.memory.records(COLLECTION);
  }

  latencyMs(random: () => number): number {
    return 0.5 + random() * 4 + random() * this.slowMs;
  }

  kill(): void {
    this.isUp = false;
    this.isFrozen = false;
    this.generation++;
    if (this.#flushMs === 0) return;
    this.records.clear();
    for (const [id, record] of this.#flushed) this.records.set(id, record);
  }

  start(): void {
    if (!this.isUp) this.startedAtMs = performance.now();
    this.isUp = true;
    this.isFrozen = false;
    this.slowMs = 0;
  }
}
