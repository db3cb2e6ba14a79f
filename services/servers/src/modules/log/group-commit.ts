import { DomainError } from '@morag/errors';
import type { EncodedMutation } from './mutation.codec.ts';
import type { MutationStore } from './mutation.store.ts';
import type { LogEntry } from './mutation.ts';

/** Appends to logs. */
export interface LogWriter {
  /**
   * Appends mutations as one step and answers the sequence of the last. Concurrent appends to one database share a
   * transaction. DATABASE_NOT_FOUND when it is gone. A caller who gives up before the commit began leaves nothing behind.
   */
  append(databaseId: string, mutations: readonly EncodedMutation[], signal: AbortSignal): Promise<number>;
}

/** See createLogWriter. */
export interface LogWriterDeps {
  readonly store: Pick<MutationStore, 'append'>;
  /** Told what was committed, in the order of the log, before the callers are answered. */
  readonly onAppended: (databaseId: string, entries: readonly LogEntry[]) => void;
  readonly limits?: GroupLimits;
}

/** How much one transaction takes. */
export interface GroupLimits {
  readonly mutationsMax: number;
  readonly bytesMax: number;
}

const GROUP_LIMITS: GroupLimits = { mutationsMax: 256, bytesMax: 32 * 1024 * 1024 };

interface Waiting {
  readonly mutations: readonly EncodedMutation[];
  readonly signal: AbortSignal;
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: while one transaction of a database is under way, appends gather, and the next one takes them all. A lone
 * writer waits for nobody, and a hundred pay for one commit.
 */
export function createLogWriter({ store, onAppended, limits = GROUP_LIMITS }: LogWriterDeps): LogWriter {
  const queues = new Map<string, Waiting[]>();

  const drain = async (databaseId: string, queue: Waiting[]): Promise<void> => {
    while (queue.length > 0) await commit(databaseId, takeGroup(queue, limits));
    queues.delete(databaseId);
  };

  const commit = async (databaseId: string, group: readonly Waiting[]): Promise<void> => {
    const present = group.filter(({ signal, reject }) => {
      if (signal.aborted) reject(signal.reason);
      return !signal.aborted;
    });
    const mutations = present.flatMap((waiting) => waiting.mutations);
    if (mutations.length === 0) return;
    try {
      const payloads = mutations.map(({ payload }) => payload);
      const head = await store.append(databaseId, payloads);
      if (head === undefined) throw databaseNotFound(databaseId);
      let sequence = head - mutations.length;
      onAppended(databaseId, toEntries(mutations, sequence));
      for (const waiting of present) {
        sequence += waiting.mutations.length;
        waiting.resolve(sequence);
      }
    } catch (error) {
      for (const { reject } of present) reject(error);
    }
  };

  return {
    append(databaseId, mutations, signal) {
      return new Promise<number>((resolve, reject) => {
        const waiting = { mutations, signal, resolve, reject };
        const queue = queues.get(databaseId);
        if (queue) {
          queue.push(waiting);
          return;
        }
        const started = [waiting];
        queues.set(databaseId, started);
        void drain(databaseId, started);
      });
    },
  };
}

/** The error for a database that does not exist, or that the caller may not know of. */
export function databaseNotFound(databaseId: string): DomainError {
  return new DomainError('DATABASE_NOT_FOUND', 'There is no such database.', { metadata: { databaseId } });
}

/** Takes from the queue what one transaction holds; at least one append, however large. */
function takeGroup(queue: Waiting[], { mutationsMax, bytesMax }: GroupLimits): readonly Waiting[] {
  let mutations = 0;
  let bytes = 0;
  const end = queue.findIndex((waiting, index) => {
    mutations += waiting.mutations.length;
    for (const { payload } of waiting.mutations) bytes += payload.length;
    return index > 0 && (mutations > mutationsMax || bytes > bytesMax);
  });
  return queue.splice(0, end === -1 ? queue.length : end);
}

function toEntries(mutations: readonly EncodedMutation[], before: number): readonly LogEntry[] {
  return mutations.map(({ mutation, payload }, index) => ({
    sequence: before + index + 1,
    mutation,
    sizeBytes: payload.length,
  }));
}
