import type { StoredRecord } from '@morag/connectors-core';
import type { LogEntry } from '../../src/modules/log/mutation.ts';

/** The version of a record after a mutation; undefined when there is none then. */
export function versionAt(log: readonly LogEntry[], id: string, sequence: number): number | undefined {
  for (let at = sequence - 1; at >= 0; at--) {
    const mutation = log[at]?.mutation;
    if (mutation?.kind === 'DELETE' && mutation.ids.includes(id)) return undefined;
    const record = mutation?.kind === 'UPSERT' ? mutation.records.find((each) => each.id === id) : undefined;
    if (record) return versionOf(record);
  }
  return undefined;
}

/** Whether a record had a version at some time between two mutations. */
export function wasBetween(
  log: readonly LogEntry[],
  { id, version, from, to }: { id: string; version: number | undefined; from: number; to: number },
): boolean {
  for (let sequence = from; sequence <= to; sequence++) if (versionAt(log, id, sequence) === version) return true;
  return false;
}

/** The version that a record carries. */
export function versionOf({ metadata }: Pick<StoredRecord, 'metadata'>): number {
  return Number(metadata?.version);
}
