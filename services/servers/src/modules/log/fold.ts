import { countOf, type LogEntry, type LoggedRecord } from './mutation.ts';

/** Bounds of what is applied in one go. */
export interface WindowLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** Consecutive mutations reduced to what they come to: each id is either written once or deleted once. */
export interface FoldedBatch {
  /** The last mutation that is in it. */
  readonly through: number;
  readonly upserts: readonly LoggedRecord[];
  readonly deletes: readonly string[];
}

/** The longest beginning of `entries` that keeps the limits; at least one, however large. */
export function takeWindow(entries: readonly LogEntry[], limits: WindowLimits): readonly LogEntry[] {
  let records = 0;
  let bytes = 0;
  for (const [index, { mutation, sizeBytes }] of entries.entries()) {
    records += countOf(mutation);
    bytes += sizeBytes;
    if (index > 0 && (records > limits.recordsMax || bytes > limits.bytesMax)) return entries.slice(0, index);
  }
  return entries;
}

/**
 * What consecutive mutations come to. Applying it leaves a placement exactly as applying them one by one would; since no
 * id occurs twice, its parts may be applied in any order and repeated.
 */
export function fold(entries: readonly LogEntry[]): FoldedBatch {
  const outcome = new Map<string, LoggedRecord | undefined>();
  for (const { mutation } of entries) {
    if (mutation.kind === 'UPSERT') for (const record of mutation.records) outcome.set(record.id, record);
    else for (const id of mutation.ids) outcome.set(id, undefined);
  }
  const upserts: LoggedRecord[] = [];
  const deletes: string[] = [];
  for (const [id, record] of outcome) {
    if (record) upserts.push(record);
    else deletes.push(id);
  }
  return { through: entries.at(-1)?.sequence ?? 0, upserts, deletes };
}

/** The mutation among `entries` that decided what became of a record. */
export function sequenceOf(entries: readonly LogEntry[], recordId: string): number {
  const deciding = entries.findLast(({ mutation }) =>
    mutation.kind === 'UPSERT' ? mutation.records.some(({ id }) => id === recordId) : mutation.ids.includes(recordId),
  );
  return deciding?.sequence ?? 0;
}
