import type { DatabaseView } from './database-view.ts';

/**
 * The databases that are in use, kept for a moment so that a read costs no statement. What is gone or no longer the
 * caller's is served for at most `ageMsMax`.
 */
export interface DatabaseDirectory {
  /** Undefined when there is no such database. */
  find(databaseId: string): Promise<DatabaseView | undefined>;
  /** What is at hand, however old. */
  peek(databaseId: string): DatabaseView | undefined;
  /** As it is now. */
  refresh(databaseId: string): Promise<DatabaseView | undefined>;
  /** It was changed here: the next caller reads it anew. */
  forget(databaseId: string): void;
}

/** See createDatabaseDirectory. */
export interface DatabaseDirectoryDeps {
  readonly load: (databaseId: string) => Promise<DatabaseView | undefined>;
  /** Told of each view that was read. */
  readonly onLoaded: (view: DatabaseView) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly settings?: { readonly ageMsMax: number; readonly refreshAfterMs: number; readonly entriesMax: number };
}

const SETTINGS = { ageMsMax: 1_000, refreshAfterMs: 500, entriesMax: 10_000 };

interface Entry {
  readonly view: DatabaseView;
  readonly askedAtMs: number;
}

/** Creates an empty directory. */
export function createDatabaseDirectory({
  load,
  onLoaded,
  now,
  settings = SETTINGS,
}: DatabaseDirectoryDeps): DatabaseDirectory {
  const entries = new Map<string, Entry>();
  const loading = new Map<string, Promise<DatabaseView | undefined>>();

  const read = async (databaseId: string, isCurrent: () => boolean): Promise<DatabaseView | undefined> => {
    const askedAtMs = now();
    const view = await load(databaseId);
    // Forgotten while it was read: what was read may be what was forgotten.
    if (!isCurrent()) return view;
    entries.delete(databaseId);
    if (!view) return undefined;
    entries.set(databaseId, { view, askedAtMs });
    onLoaded(view);
    const oldest = entries.size > settings.entriesMax ? entries.keys().next().value : undefined;
    if (oldest !== undefined) entries.delete(oldest);
    return view;
  };

  const share = (databaseId: string): Promise<DatabaseView | undefined> => {
    const underway = loading.get(databaseId);
    if (underway) return underway;
    const reading: Promise<DatabaseView | undefined> = read(
      databaseId,
      () => loading.get(databaseId) === reading,
    ).finally(() => {
      if (loading.get(databaseId) === reading) loading.delete(databaseId);
    });
    loading.set(databaseId, reading);
    return reading;
  };

  return {
    async find(databaseId) {
      const entry = entries.get(databaseId);
      const ageMs = entry ? now() - entry.askedAtMs : Number.POSITIVE_INFINITY;
      if (!entry || ageMs > settings.ageMsMax) return share(databaseId);
      // Read ahead of time, so that a database in steady use never makes its caller wait; a failure shows when it is due.
      if (ageMs > settings.refreshAfterMs) share(databaseId).catch(() => {});
      return entry.view;
    },
    peek: (databaseId) => entries.get(databaseId)?.view,
    refresh(databaseId) {
      loading.delete(databaseId);
      return share(databaseId);
    },
    forget(databaseId) {
      loading.delete(databaseId);
      entries.delete(databaseId);
    },
  };
}
