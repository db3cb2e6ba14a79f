import type { Category } from '@morag/connectors-core';
import type { HealthStatus } from './health-status.ts';

/** How a request to a server ended, as the data path saw it. */
export interface Outcome {
  readonly ok: boolean;
  /** Of the connector's error. */
  readonly category?: Category;
  readonly latencyMs: number;
  /** Of the connector's error, for people. */
  readonly message?: string;
}

/** Told of each status that changed. */
export type HealthListener = (serverId: string, status: HealthStatus) => void;

/** What this process knows of its servers' health, at no cost: at most a second older than what was judged. */
export interface HealthView {
  statusOf(serverId: string): HealthStatus;
  /** A request has just failed in a way that blames the server, and no probe has cleared it yet. */
  isSuspect(serverId: string): boolean;
  /** What came of a request; an error of the caller's changes nothing. */
  report(serverId: string, outcome: Outcome): void;
  /** Answers what ends it. */
  onChange(listener: HealthListener): () => void;
}

/** The view, as those who probe and judge write it. */
export interface HealthBoard extends HealthView {
  set(serverId: string, status: HealthStatus): void;
  /** A probe has answered, or somebody else has seen it fail. */
  setSuspect(serverId: string, isSuspect: boolean): void;
  /** The server is gone. */
  forget(serverId: string): void;
  /** Told of a server once when it falls under suspicion here. Answers what ends it. */
  onSuspect(listener: (serverId: string, outcome: Outcome) => void): () => void;
  /** Told of each answer of a server in the data path: it can be reached. Answers what ends it. */
  onAnswer(listener: (serverId: string) => void): () => void;
}

/**
 * Failures that speak against the server: the rest is an answer, or an error of the caller's. A timeout may come from a
 * caller in a hurry: it makes a server suspect, which a probe then clears.
 */
const BLAMING: ReadonlySet<Category> = new Set([
  'unavailable',
  'timeout',
  'protocol',
  'internal',
  'unauthenticated',
  'permission_denied',
]);

/** A suspicion that nothing has renewed by then says nothing any more. */
const SUSPECT_MS_MAX = 10_000;

/** Creates the view of a process that knows nothing yet. `now`: monotonic milliseconds. */
export function createHealthBoard({ now }: { readonly now: () => number }): HealthBoard {
  const statuses = new Map<string, HealthStatus>();
  const suspects = new Map<string, number>();
  const changed = newListeners<Parameters<HealthListener>>();
  const suspected = newListeners<[string, Outcome]>();
  const answered = newListeners<[string]>();

  const isSuspect = (serverId: string): boolean => {
    const sinceMs = suspects.get(serverId);
    if (sinceMs === undefined) return false;
    if (now() - sinceMs < SUSPECT_MS_MAX) return true;
    suspects.delete(serverId);
    return false;
  };

  return {
    statusOf: (serverId) => statuses.get(serverId) ?? 'UNKNOWN',
    isSuspect,
    report(serverId, outcome) {
      const { ok, category, latencyMs } = outcome;
      if (ok) {
        answered.tell(serverId);
        // An answer to a request that was sent before the failure says nothing about the time since.
        if (now() - latencyMs > (suspects.get(serverId) ?? Number.POSITIVE_INFINITY)) suspects.delete(serverId);
      } else if (category !== undefined && BLAMING.has(category)) {
        const isNew = !isSuspect(serverId);
        suspects.set(serverId, now());
        if (isNew) suspected.tell(serverId, outcome);
      }
    },
    onChange: changed.add,
    set(serverId, status) {
      if (statuses.get(serverId) === status) return;
      statuses.set(serverId, status);
      changed.tell(serverId, status);
    },
    setSuspect(serverId, is) {
      if (is) suspects.set(serverId, now());
      else suspects.delete(serverId);
    },
    forget(serverId) {
      statuses.delete(serverId);
      suspects.delete(serverId);
    },
    onSuspect: suspected.add,
    onAnswer: answered.add,
  };
}

interface Listeners<Args extends readonly unknown[]> {
  add(listener: (...args: Args) => void): () => void;
  tell(...args: Args): void;
}

function newListeners<Args extends readonly unknown[]>(): Listeners<Args> {
  const listeners = new Set<(...args: Args) => void>();
  return {
    add(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell(...args) {
      for (const listener of listeners) listener(...args);
    },
  };
}
