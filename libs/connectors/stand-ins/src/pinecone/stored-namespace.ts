import type { Metadata } from './metadata-filter.ts';

export interface StoredVector {
  readonly id: string;
  readonly values: readonly number[];
  readonly metadata?: Metadata;
}

interface Write {
  readonly lsn: number;
  readonly atMs: number;
  apply(records: Map<string, StoredVector>): void;
}

/** One namespace of an index. Writes get a sequence number at once and are seen by readers after a lag. */
export class StoredNamespace {
  readonly #lagMs: () => number;
  readonly #records = new Map<string, StoredVector>();
  readonly #pending: Write[] = [];
  #sorted: readonly string[] | undefined;
  #written = 0;
  #indexed = 0;

  constructor(lagMs: () => number) {
    this.#lagMs = lagMs;
  }

  /** The write's sequence number. */
  write(apply: Write['apply']): number {
    this.#written++;
    this.#pending.push({ lsn: this.#written, atMs: performance.now(), apply });
    return this.#written;
  }

  /** What readers see now. */
  records(): ReadonlyMap<string, StoredVector> {
    const seenUntil = performance.now() - this.#lagMs();
    while (this.#pending[0] && this.#pending[0].atMs <= seenUntil) {
      const { apply, lsn } = this.#pending.shift() as Write;
      apply(this.#records);
      this.#indexed = lsn;
      this.#sorted = undefined;
    }
    return this.#records;
  }

  /** The sequence number up to which readers see writes. */
  indexed(): number {
    this.records();
    return this.#indexed;
  }

  /** In the order of their bytes; all ids are ASCII. */
  ids(): readonly string[] {
    const records = this.records();
    this.#sorted ??= [...records.keys()].sort((a, b) => (a < b ? -1 : 1));
    return this.#sorted;
  }
}
