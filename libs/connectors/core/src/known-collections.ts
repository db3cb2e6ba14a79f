import { type ConnectorError, hasCategory, isConnectorError, isNotFound } from './connector.error.ts';

/** Collections that are remembered of one server. One more, and all are forgotten, to be looked up again when needed. */
const KNOWN_MAX = 1_000;

/** What differs between vendors. `Via` is what the server is asked through: a call, or one call's session. */
export interface KnownCollectionsParts<Collection, Via> {
  /** Asks the server; rejects with `not_found` when it has no such collection. */
  readonly find: (via: Via, name: string) => Promise<Collection>;
  /** Whether both are the same collection, and not one that was made anew in between. */
  readonly isSame: (current: Collection, remembered: Collection) => boolean;
  /** Whether an error, beside `not_found` and `invalid_argument`, may come of an outdated memory. */
  readonly isOutdated?: (error: ConnectorError) => boolean;
  /** Whether a collection that was found is remembered; every one unless said. */
  readonly keep?: (found: Collection) => boolean;
}

/** What makes one piece of work doubt the memory, beside its errors. */
export interface Doubts<Collection, Result> {
  /** Before the work: what is remembered lacks something that the work needs. */
  readonly isStale?: (remembered: Collection) => boolean;
  /** After it: there was nothing, as there is where a collection has been that was made anew elsewhere. */
  readonly foundNothing?: (result: Result) => boolean;
}

/**
 * What is known of a server's collections, so that not every call asks for it first. Others may delete a collection and
 * make it again at any time: an outcome that may come of that is looked into, and the work done again where it does.
 */
export interface KnownCollections<Collection, Via> {
  /** Asks the server, whatever is remembered, and remembers the answer. */
  find(via: Via, name: string): Promise<Collection>;
  /** As `find`, whose `not_found` is an answer here. */
  exists(via: Via, name: string): Promise<boolean>;
  /** Does the work on the collection as it is remembered; once more, as it is, where it was another in the meantime. */
  on<Result>(
    via: Via,
    name: string,
    work: (collection: Collection) => Promise<Result>,
    doubts?: Doubts<Collection, Result>,
  ): Promise<Result>;
  /** What the caller knows of a collection without asking. */
  remember(name: string, collection: Collection): void;
  forget(name: string): void;
}

/** Of one server; nothing is known yet. */
export function createKnownCollections<Collection extends object, Via>(
  parts: KnownCollectionsParts<Collection, Via>,
): KnownCollections<Collection, Via> {
  const { isSame, isOutdated = () => false, keep = () => true } = parts;
  const known = new Map<string, Collection>();

  function remember(name: string, collection: Collection): void {
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(name, collection);
  }

  async function find(via: Via, name: string): Promise<Collection> {
    // First, so that of one that is gone nothing stays.
    known.delete(name);
    const found = await parts.find(via, name);
    if (keep(found)) remember(name, found);
    return found;
  }

  /** No longer there, or refused for what it was: its dimension may be another. */
  function mayBeOutdated(error: unknown): boolean {
    if (!isConnectorError(error)) return false;
    return isNotFound(error) || hasCategory(error, 'invalid_argument') || isOutdated(error);
  }

  return {
    find,
    remember,
    async exists(via, name) {
      try {
        await find(via, name);
        return true;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    },
    async on(via, name, work, { isStale = () => false, foundNothing = () => false } = {}) {
      const remembered = known.get(name);
      if (!remembered || isStale(remembered)) return work(await find(via, name));
      const first = await settled(() => work(remembered));
      if (first.failed ? !mayBeOutdated(first.error) : !foundNothing(first.result)) return outcome(first);
      const current = await find(via, name);
      return isSame(current, remembered) ? outcome(first) : work(current);
    },
    forget(name) {
      known.delete(name);
    },
  };
}

type Settled<T> = { readonly failed: false; readonly result: T } | { readonly failed: true; readonly error: unknown };

async function settled<T>(work: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { failed: false, result: await work() };
  } catch (error) {
    return { failed: true, error };
  }
}

function outcome<T>(of: Settled<T>): T {
  if (of.failed) throw of.error;
  return of.result;
}
