import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  type Capabilities,
  type Category,
  type CollectionSpec,
  ConnectorError,
  type ServerSettings,
  type VectorConnector,
} from '@morag/connectors-core';
import type { Harness } from './harness.ts';

/** What a case works with. Everything that it makes through this is removed after it. */
export interface CaseContext {
  readonly harness: Harness;
  readonly connector: VectorConnector;
  /** A new, empty collection, of dimension 4 and metric cosine unless told. */
  collection(spec?: Partial<CollectionSpec>): Promise<string>;
  /** A name that no other case uses; the collection of that name is removed afterwards. */
  name(start?: string): string;
  /** A second connector. */
  open(overrides?: Partial<ServerSettings>): VectorConnector;
  /** Runs after the case, whatever its outcome. */
  defer(cleanUp: () => unknown): void;
}

export interface ConformanceCase {
  readonly id: number;
  readonly title: string;
  /** Why the case does not apply to a vendor of these capabilities or to a server as it was given. */
  readonly skip?: (capabilities: Capabilities, harness: Harness) => string | false;
  /** May return a line for the report. */
  run(context: CaseContext): Promise<string | void>;
}

/** Fails unless the promise rejects with a `ConnectorError` of exactly this category; gives the error for a closer look. */
export async function rejects(promise: Promise<unknown>, category: Category): Promise<ConnectorError> {
  const error = await promise.then(
    () => assert.fail(`expected ${category}, but the call succeeded`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ConnectorError, `not a ConnectorError: ${String(error)}`);
  assert.equal(error.category, category, error.message);
  return error;
}

const TRIES = 3;

/** Fails if no try of three ends within `ms`: a machine that pauses makes one late, a connector that waits makes all. */
export async function endsWithin(ms: number, attempt: () => Promise<unknown>): Promise<void> {
  const took: number[] = [];
  while (took.length < TRIES) {
    const before = performance.now();
    await attempt();
    const elapsed = performance.now() - before;
    if (elapsed < ms) return;
    took.push(Math.round(elapsed));
  }
  assert.fail(`took ${took.join(', ')} ms, where ${ms} ms are allowed`);
}

/** Builds the context of one case and takes it down again. */
export async function withContext<T>(harness: Harness, run: (context: CaseContext) => Promise<T>): Promise<T> {
  const cleanUps: (() => unknown)[] = [];
  const open = (overrides?: Partial<ServerSettings>) => {
    const connector = harness.open(overrides);
    cleanUps.push(() => connector.close());
    return connector;
  };
  const connector = open();
  const name = (start = 'conformance') => {
    const made = `${start}-${randomUUID()}`;
    cleanUps.push(() => connector.deleteCollection(made, { ifExists: true }));
    return made;
  };
  const collection = async (spec: Partial<CollectionSpec> = {}) => {
    const made = spec.name ?? name();
    await connector.createCollection({ dimension: 4, metric: 'cosine', ...spec, name: made });
    return made;
  };
  const cleanUp = async () => {
    for (const each of cleanUps.reverse()) await each();
  };
  let result: T;
  try {
    result = await run({ harness, connector, collection, name, open, defer: (each) => cleanUps.push(each) });
  } catch (error) {
    // What went wrong first is what counts.
    await cleanUp().catch(() => undefined);
    throw error;
  }
  await cleanUp();
  return result;
}
