/** Keeps log lines in memory; fits where a logger wants a stream. */
export interface LogSink {
  write(line: string): void;
  /** Every line so far, parsed. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** Everything so far, as it was written: to look for what must not be there. */
  readonly text: string;
}

/** Creates an empty sink. */
export function createLogSink(): LogSink {
  const written: string[] = [];
  return {
    write(line) {
      written.push(line);
    },
    get lines() {
      return written.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    get text() {
      return written.join('');
    },
  };
}
