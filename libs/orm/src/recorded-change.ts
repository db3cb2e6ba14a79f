import { AsyncLocalStorage } from 'node:async_hooks';

/** Runs a statement in the transaction that is about to commit. */
export type RunStatement = (sql: string, params: readonly unknown[]) => Promise<unknown>;

/** A change that is on record, as the transactions of its call see it. */
export interface RecordedChange {
  /** Writes that the change is made; part of the transaction that makes it, which fails with it. */
  mark(run: RunStatement): Promise<void>;
  /** That transaction is committed. */
  marked(): void;
  /** Nothing is left to write: the mark stands already, or the call is over and this is what goes on in the background. */
  isDone(): boolean;
}

/** Which change a piece of work belongs to. One for each database: another's changes are none of this one's. */
export class RecordedChanges {
  readonly #current = new AsyncLocalStorage<RecordedChange>();

  /** Whatever `work` commits marks the change. */
  run<T>(change: RecordedChange, work: () => T): T {
    return this.#current.run(change, work);
  }

  /** The change that a transaction beginning here is part of; undefined where there is nothing to mark. */
  open(): RecordedChange | undefined {
    const change = this.#current.getStore();
    return change?.isDone() ? undefined : change;
  }
}
