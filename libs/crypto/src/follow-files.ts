import { stat } from 'node:fs/promises';

/** What files hold, as they are now. */
export interface Followed<T> {
  current(): T;
  /** Told of each new content that is in use. */
  onChange(listener: () => void): void;
  /** Stops looking. */
  close(): void;
}

/** See followFiles. */
export interface FollowOptions {
  /** How often the files are looked at; never unless given. */
  readonly everyMs?: number;
  /** Told once of changed files that cannot be used; what was read before stays, and they are tried again at each look. */
  readonly onProblem?: (error: unknown) => void;
}

/**
 * Loads files, and loads them again when one changes. By looking, not by events: secrets that are mounted into a container
 * change under links that send none. Rejects when the first load does.
 */
export async function followFiles<T>(
  files: readonly string[],
  load: (before: T | undefined) => Promise<T>,
  { everyMs, onProblem }: FollowOptions,
): Promise<Followed<T>> {
  const listeners: (() => void)[] = [];
  // Looked at before they are read: a change in between is then seen at the next look.
  let seen = await signatureOf(files);
  let current = await load(undefined);
  let isLooking = false;
  let refused: string | undefined;
  const look = async (): Promise<void> => {
    const now = await signatureOf(files);
    if (now === seen) return;
    try {
      current = await load(current);
    } catch (error) {
      if (now !== refused) onProblem?.(error);
      refused = now;
      return;
    }
    seen = now;
    for (const listener of listeners) listener();
  };
  const timer =
    everyMs === undefined
      ? undefined
      : setInterval(() => {
          if (isLooking) return;
          isLooking = true;
          look()
            .catch((error: unknown) => onProblem?.(error))
            .finally(() => {
              isLooking = false;
            });
        }, everyMs).unref();
  return {
    current: () => current,
    onChange: (listener) => void listeners.push(listener),
    close: () => clearInterval(timer),
  };
}

/** Changes with each file's content; one that is missing at the moment counts as empty. */
async function signatureOf(files: readonly string[]): Promise<string> {
  const all = await Promise.all(files.map((file) => stat(file, { bigint: true }).catch(() => undefined)));
  return all.map((each) => (each ? `${each.ino} ${each.mtimeNs} ${each.size}` : '')).join('\n');
}
