import type { ConnectorError } from '@morag/connectors-core';

/** Ids that are remembered; beyond, the oldest are forgotten. */
const DOUBTS_MAX = 100_000;
const DOUBTFUL = new Set<ConnectorError['category']>(['unavailable', 'timeout', 'cancelled', 'internal']);

/**
 * Records whose writing was not confirmed. A server that was killed meanwhile may have stored an object without its
 * vector in the index, and writing the same vector again does not put it there: such an object has to be
 * deleted first.
 */
export class Doubts {
  readonly #keys = new Set<string>();

  /** Of these, the ids that have to be deleted before they are written. */
  among(uid: string, ids: readonly string[]): string[] {
    return this.#keys.size === 0 ? [] : ids.filter((id) => this.#keys.has(keyOf(uid, id)));
  }

  /** After a failed write: whether it tells nothing of what the server has stored. */
  note(uid: string, ids: readonly string[], { category }: ConnectorError): void {
    if (!DOUBTFUL.has(category)) return;
    for (const id of ids) this.#keys.add(keyOf(uid, id));
    for (const oldest of this.#keys) {
      if (this.#keys.size <= DOUBTS_MAX) break;
      this.#keys.delete(oldest);
    }
  }

  clear(uid: string, ids: readonly string[]): void {
    for (const id of ids) this.#keys.delete(keyOf(uid, id));
  }
}

function keyOf(uid: string, id: string): string {
  return `${uid}/${id}`;
}
