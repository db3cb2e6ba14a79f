/** Writes items that come at the same time together. */
export interface GroupWriter<Item> {
  /** Resolves when the item is written, rejects with the error of the write that it was part of. */
  write(item: Item): Promise<void>;
  /** Resolves when nothing waits to be written. */
  idle(): Promise<void>;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** One write at a time; whatever comes meanwhile goes with the next, so that a busy writer needs few statements. */
export function createGroupWriter<Item>(
  batchMax: number,
  writeAll: (items: readonly Item[]) => Promise<void>,
): GroupWriter<Item> {
  const waiting: Waiting<Item>[] = [];
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchMax);
      try {
        await writeAll(batch.map(({ item }) => item));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = undefined;
  };

  return {
    write: (item) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        running ??= run();
      }),
    idle: async () => running,
  };
}
