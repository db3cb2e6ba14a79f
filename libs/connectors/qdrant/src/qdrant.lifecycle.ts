import {
  type Call,
  type CollectionSpec,
  ConnectorError,
  checkPresent,
  hasCategory,
  isNotFound,
  noSuchCollection,
} from '@morag/connectors-core';
import {
  createCollection,
  createIndexes,
  deleteCollection,
  findCollection,
  listNames,
  nativeCollectionName,
  type QdrantCollection,
} from './qdrant.collections.ts';
import type { QdrantOptions } from './qdrant.options.ts';
import type { QdrantWire } from './qdrant.wire.ts';

type Attempt = (wire: QdrantWire, call: Call) => Promise<void>;

/**
 * An attempt that can be repeated: when the one before it got no answer, what it may have done is success, where for a
 * first one it would be that the collection exists already.
 */
export function createOnce(spec: CollectionSpec, options: QdrantOptions): Attempt {
  const native = nativeCollectionName(spec.name);
  const attempt = unanswered();
  return async (wire, call) => {
    try {
      await attempt.watch(createCollection(wire, call, spec, options));
    } catch (error) {
      if (!hasCategory(error, 'already_exists')) throw error;
      if (!spec.ifNotExists && !attempt.mayHaveDone) throw error;
      const present = await findTaken(wire, call, native);
      checkPresent(call, present, spec);
    }
    await attempt.watch(createIndexes(wire, call, native, spec.filterFields ?? []));
  };
}

/** A name is taken as soon as its collection begins to be made, and can be described a little later. */
async function findTaken(wire: QdrantWire, call: Call, native: string): Promise<QdrantCollection> {
  try {
    return await findCollection(wire, call, native);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new ConnectorError('unavailable', call, 'The collection is being made.', { cause: error });
  }
}

/** The same for a deletion. The server takes a missing collection for success of a kind. */
export function deleteOnce(name: string, ifExists: boolean): Attempt {
  const attempt = unanswered();
  return async (wire, call) => {
    const existed = await attempt.watch(deleteCollection(wire, call, nativeCollectionName(name)));
    if (!existed && !ifExists && !attempt.mayHaveDone) throw noSuchCollection(call);
  };
}

/** Collections by name, from the one after `after` on, each looked up for what the server's list leaves out. */
export async function listPage(
  wire: QdrantWire,
  call: Call,
  after: string,
  limit: number,
): Promise<{ collections: readonly QdrantCollection[]; last: string | undefined }> {
  const rest = (await listNames(wire, call)).filter((name) => name > after);
  const page = rest.slice(0, limit);
  const found = await Promise.all(
    page.map((name) =>
      findCollection(wire, call, name).catch((error: unknown) => {
        // Deleted since.
        if (isNotFound(error)) return undefined;
        throw error;
      }),
    ),
  );
  const last = rest.length > limit ? page.at(-1) : undefined;
  return { collections: found.filter((each) => each !== undefined), last };
}

function unanswered() {
  let mayHaveDone = false;
  return {
    get mayHaveDone() {
      return mayHaveDone;
    },
    async watch<T>(work: Promise<T>): Promise<T> {
      try {
        return await work;
      } catch (error) {
        if (error instanceof ConnectorError && error.retryable && error.category !== 'rate_limited') mayHaveDone = true;
        throw error;
      }
    },
  };
}
