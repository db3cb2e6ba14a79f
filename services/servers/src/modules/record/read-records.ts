import type { Filter, Hit, Include, StoredRecord, Vector } from '@morag/connectors-core';
import type { Call } from '../../call.ts';
import type { ReadPolicy } from '../database/database.ts';
import type { DatabaseDirectory } from '../database/database-directory.ts';
import type { DatabaseView } from '../database/database-view.ts';
import { type ConsistencyTokens, invalidToken } from '../log/consistency-token.ts';
import type { SequenceBoard } from '../log/sequence-board.ts';
import { withinPin } from '../routing/read-candidates.ts';
import type { ReadDemand, ReadRouter, ReadWork, Served } from '../routing/read-router.ts';
import type { Scope } from '../server/server.ts';
import { checkIds, checkVector } from './check-records.ts';
import { openDatabase } from './open-database.ts';

/** What the reads work with. */
export interface ReadRecordsDeps {
  readonly directory: Pick<DatabaseDirectory, 'find' | 'refresh'>;
  readonly board: SequenceBoard;
  readonly tokens: ConsistencyTokens;
  readonly router: ReadRouter;
}

/** Which database, and how fresh. */
export interface ReadInput {
  readonly scope: Scope;
  readonly databaseId: string;
  /** Empty for none. */
  readonly token: string;
  /** The database's unless given. */
  readonly readPolicy?: ReadPolicy;
  readonly maxStaleness?: number;
}

/** See queryRecords. */
export interface QueryInput extends ReadInput {
  readonly vector: Vector;
  readonly topK: number;
  readonly filter?: Filter;
  readonly minScore?: number;
  readonly include: Include;
}

/** The records nearest to a vector, best first. */
export async function queryRecords(
  deps: ReadRecordsDeps,
  input: QueryInput,
  call: Call,
): Promise<Served<readonly Hit[]>> {
  const view = await openDatabase(deps.directory, input.databaseId, input.scope);
  const { vector, topK, filter, minScore, include } = input;
  checkVector(vector, view);
  return read(deps, view, input, call, async (connector, { collection }, options) => {
    // A server with a lower bound gives what it has: fewer hits than asked for are no error anywhere else either.
    const limit = Math.min(topK, connector.capabilities().maxTopK);
    return connector.query(collection, { vector, topK: limit, filter, minScore, include }, options);
  });
}

/** Records by id, in the order asked for, without those that do not exist. */
export async function fetchRecords(
  deps: ReadRecordsDeps,
  input: ReadInput & { readonly ids: readonly string[]; readonly include: Include },
  call: Call,
): Promise<Served<readonly StoredRecord[]>> {
  const view = await openDatabase(deps.directory, input.databaseId, input.scope);
  checkIds(input.ids);
  const ids = [...new Set(input.ids)];
  return read(
    deps,
    view,
    input,
    call,
    async (connector, { collection }, options) =>
      (await connector.fetch(collection, ids, input.include, options)).records,
  );
}

/** How many records match, exactly. */
export async function countRecords(
  deps: ReadRecordsDeps,
  input: ReadInput & { readonly filter?: Filter },
  call: Call,
): Promise<Served<number>> {
  const view = await openDatabase(deps.directory, input.databaseId, input.scope);
  return read(deps, view, input, call, (connector, { collection }, options) =>
    connector.count(collection, input.filter, options),
  );
}

/** Where a scroll goes on: a cursor is good for the placement that made it alone. */
export interface ScrollPosition {
  readonly placementId: string;
  readonly cursor: string;
}

/** One page of a scroll. */
export interface ScrollPage {
  readonly records: readonly StoredRecord[];
  /** Undefined after the last page. */
  readonly next: ScrollPosition | undefined;
}

/** One page of all records that match. All pages come from one placement: each has an order of its own. */
export async function scrollRecords(
  deps: ReadRecordsDeps,
  input: ReadInput & {
    readonly filter?: Filter;
    readonly include: Include;
    readonly pageSize: number;
    readonly position?: ScrollPosition;
  },
  call: Call,
): Promise<Served<ScrollPage>> {
  const view = await openDatabase(deps.directory, input.databaseId, input.scope);
  const { filter, include, pageSize, position } = input;
  const begun = withinPin(view).filter(({ id }) => id === position?.placementId);
  const [first] = begun;
  // Its placement is gone, or reads are pinned elsewhere by now: the scroll begins again elsewhere rather than skip records.
  const from = first ? { ...view, placements: begun, primary: first } : view;
  return read(deps, from, input, call, async (connector, placement, options) => {
    const cursor = placement.id === position?.placementId ? position.cursor : undefined;
    const page = await connector.scan(placement.collection, { cursor, pageSize, filter, include }, options);
    const next = page.nextCursor === null ? undefined : { placementId: placement.id, cursor: page.nextCursor };
    return { records: page.records, next };
  });
}

async function read<T>(
  { directory, board, tokens, router }: ReadRecordsDeps,
  view: DatabaseView,
  { token, readPolicy, maxStaleness = 0 }: ReadInput,
  call: Call,
  work: ReadWork<T>,
): Promise<Served<T>> {
  const atLeast = tokens.decode(view.id, token);
  if (atLeast > Math.max(view.headSequence, board.head(view.id))) {
    // Written through another instance a moment ago, or signed for a log that was since restored to an older state.
    const now = await directory.refresh(view.id);
    if (atLeast > (now?.headSequence ?? 0)) throw invalidToken('is from the future');
  }
  const demand: ReadDemand = { policy: readPolicy ?? view.readPolicy, atLeast, maxStaleness };
  return router.read(view, demand, call, work);
}
