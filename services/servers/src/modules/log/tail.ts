import type { LogEntry } from './mutation.ts';

/** The newest end of a log in memory, so that what this process has just written need not be read back. */
export interface Tail {
  /** Adds what was committed. Beyond the bound it is not kept: the log has it. */
  offer(entries: readonly LogEntry[]): void;
  /** Everything at hand that follows `sequence` without a gap; empty when the log has to be read. */
  after(sequence: number): readonly LogEntry[];
}

/** Creates an empty tail that keeps at most so much. */
export function createTail(bytesMax: number): Tail {
  let entries: LogEntry[] = [];
  let bytes = 0;

  const dropThrough = (sequence: number): void => {
    const keep = entries.findIndex((entry) => entry.sequence > sequence);
    const dropped = entries.splice(0, keep === -1 ? entries.length : keep);
    for (const { sizeBytes } of dropped) bytes -= sizeBytes;
  };

  return {
    offer(added) {
      for (const entry of added) {
        const last = entries.at(-1);
        if (bytes + entry.sizeBytes > bytesMax && last) return;
        // After something was left out, what follows would hide the gap: start afresh from it.
        if (last && entry.sequence !== last.sequence + 1) {
          entries = [];
          bytes = 0;
        }
        entries.push(entry);
        bytes += entry.sizeBytes;
      }
    },
    after(sequence) {
      dropThrough(sequence);
      return entries[0]?.sequence === sequence + 1 ? entries.slice() : [];
    },
  };
}
