import { setTimeout as sleep } from 'node:timers/promises';
import { type CallOptions, isConnectorError, type StoredRecord, type VectorConnector } from '@morag/connectors-core';
import type { Logger } from '@morag/telemetry';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import { applyBatch } from '../log/apply-batch.ts';
import { backoffMs } from '../log/backoff.ts';
import type { Lease, LeaseStore } from '../log/lease.store.ts';
import { createLeaseKeeper, type LeaseKeeper, LeaseLost } from '../log/lease-keeper.ts';
import type { LoggedRecord } from '../log/mutation.ts';
import { createPace, type Pace } from '../log/pace.ts';
import type { CopyEnd, CopyStore, CopyTask } from './copy.store.ts';

/** What filling works with; time and chance are parts. */
export interface FillDeps {
  readonly copies: CopyStore;
  readonly leases: LeaseStore;
  readonly pool: Pick<ConnectorPool, 'use'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly random: () => number;
  readonly logger: Logger;
  readonly settings: FillSettings;
}

/** Bounds of filling. */
export interface FillSettings {
  readonly leaseTtlMs: number;
  /** Records a second that a copy takes from its source at most, so that callers keep the better part of it. */
  readonly recordsPerSecondMax: number;
  readonly pageBytesMax: number;
}

/** What is known while the lease is held. */
interface Filling {
  readonly deps: FillDeps;
  readonly lease: Lease;
  readonly keeper: LeaseKeeper;
  readonly pace: Pace;
  /** Aborts when the lease is lost and when filling is to stop. */
  readonly signal: AbortSignal;
}

/** Whether the placement was filled; `held`: another instance is at it. */
export type FillEnd = 'filled' | 'held' | 'lost' | 'stopped';

/**
 * Fills a placement while writes go on. It makes the collection, notes how far a full copy has applied the log, copies
 * every record out of it, and leaves the rest to the log from there: what changed meanwhile is applied again, so that
 * nothing that was deleted comes back. Goes on where another instance left off.
 */
export async function fillPlacement(deps: FillDeps, placementId: string, stopping: AbortSignal): Promise<FillEnd> {
  const { leases, now, settings } = deps;
  const { leaseTtlMs: ttlMs } = settings;
  const acquiredAtMs = now();
  const lease = await leases.acquire(placementId, ttlMs, 'COPY');
  if (!lease) return 'held';
  const keeper = createLeaseKeeper({ leases, now, ttlMs }, lease, acquiredAtMs);
  const signal = AbortSignal.any([stopping, keeper.lost]);
  try {
    return await untilFilled({ deps, lease, keeper, pace: createPace(now), signal }, stopping);
  } finally {
    keeper.stop();
    await leases
      .release(lease)
      .catch((error: unknown) => deps.logger.debug({ err: error }, 'a lease was not given back'));
  }
}

async function untilFilled(filling: Filling, stopping: AbortSignal): Promise<FillEnd> {
  const { copies, random, logger } = filling.deps;
  const { lease, signal } = filling;
  for (let failures = 0; !signal.aborted; ) {
    const task = await copies.load(lease);
    if (!task) return 'lost';
    try {
      await fill(filling, task);
      return (await copies.finish(lease)) ? 'filled' : 'lost';
    } catch (error) {
      if (error instanceof LeaseLost || signal.aborted) break;
      failures++;
      logger.warn({ err: error, placementId: lease.placementId, failures }, 'a placement cannot be filled now');
      await copies.fail(lease, publicText(error)).catch(() => {});
      // Its cursor may be what is wrong, and another source may do better.
      if (error instanceof SourceFailed && failures % SOURCE_FAILURES_MAX === 0) {
        await copies.begin(lease, task.source?.placementId).catch(() => {});
      }
      await sleep(backoffMs(failures, random), undefined, { signal }).catch(() => {});
    }
  }
  return stopping.aborted ? 'stopped' : 'lost';
}

const SOURCE_FAILURES_MAX = 3;
/** After so long every instance knows that a placement is not to be read: more than a directory's entries live. */
const VIEW_AGE_MS_MAX = 1_500;

async function fill(filling: Filling, task: CopyTask): Promise<void> {
  const { copies } = filling.deps;
  if (task.state === 'PROVISIONING') await provision(filling, task);
  let ready: CopyTask | undefined = task;
  if (task.state === 'PROVISIONING' || !task.source) {
    if (!(await copies.begin(filling.lease, undefined))) throw new NoSource();
    ready = await copies.load(filling.lease);
  }
  if (!ready) throw new LeaseLost('Another instance has taken over.');
  if (!ready.source) throw new NoSource();
  await copy(filling, ready, ready.source);
}

/** Makes the collection; what an earlier attempt left in it goes, and what is somebody else's is not touched. */
async function provision({ deps, keeper, signal }: Filling, task: CopyTask): Promise<void> {
  const { target, dimension, metric, isWritten } = task;
  const options = (): CallOptions => ({ ...keeper.callOptions(), signal });
  // Who still believes in the old copy would read an empty one.
  if (isWritten) await sleep(VIEW_AGE_MS_MAX, undefined, { signal });
  await deps.pool.use(target, async (connector) => {
    const name = target.collection;
    if (isWritten) await connector.deleteCollection(name, { ifExists: true }, options());
    await connector.createCollection({ name, dimension, metric, ifNotExists: true }, options());
    if ((await connector.count(name, undefined, options())) > 0) throw new CollectionNotEmpty();
  });
}

/** Page after page: while one is written, the next one is read. */
async function copy(filling: Filling, task: CopyTask, source: CopyEnd): Promise<void> {
  const { deps, lease, keeper, signal } = filling;
  const { settings, now } = deps;
  const options = (): CallOptions => ({ ...keeper.callOptions(), signal });
  const fromSource = <T>(use: (connector: VectorConnector) => Promise<T>): Promise<T> =>
    deps.pool.use(source, use).catch((error: unknown) => {
      throw error instanceof LeaseLost ? error : new SourceFailed(error);
    });
  const pageSize = pageSizeOf(task.dimension, settings.pageBytesMax);
  const include = { vector: true, metadata: true, document: true };
  const read = (cursor: string | undefined) =>
    fromSource((connector) => connector.scan(source.collection, { cursor, pageSize, include }, options()));

  const total = await fromSource((connector) => connector.count(source.collection, undefined, options()));
  let copied = task.copied;
  const startedAtMs = now();
  for (let page = await read(task.cursor); ; ) {
    const cursor = page.nextCursor ?? undefined;
    const next = cursor === undefined ? undefined : read(cursor);
    // Its failure is seen when it is its turn.
    next?.catch(() => {});
    await write(filling, task.target, page.records);
    copied += page.records.length;
    const isOurs = await deps.copies.save(lease, { cursor, copied, total }, settings.leaseTtlMs);
    if (!isOurs) throw new LeaseLost('Another instance has taken over.');
    if (!next) return;
    const dueAtMs = startedAtMs + ((copied - task.copied) / settings.recordsPerSecondMax) * 1000;
    if (dueAtMs > now()) await sleep(dueAtMs - now(), undefined, { signal });
    page = await next;
  }
}

/** Writes records as the applier does: what the server refuses is quarantined, and the rest flows. */
async function write(
  { deps, lease, keeper, pace, signal }: Filling,
  target: CopyEnd,
  found: readonly StoredRecord[],
): Promise<void> {
  const upserts = found.map(toLogged);
  if (upserts.length === 0) return;
  const callOptions = (): CallOptions => ({ ...keeper.callOptions(), signal });
  const how = { collection: target.collection, callOptions, recordsMax: pace.recordsMax() };
  const refusals = await pace.run(upserts.length, () =>
    deps.pool.use(target, (connector) => applyBatch({ connector, ...how }, { through: 0, upserts, deletes: [] })),
  );
  if (refusals.length === 0) return;
  const placed = refusals.map((refusal) => ({ ...refusal, sequence: lease.appliedSequence }));
  if (!(await deps.leases.quarantine(lease, placed, []))) throw new LeaseLost('Another instance has taken over.');
}

/** A record of a placement, in the form in which the log keeps records. */
export function toLogged({ id, vector, metadata, document }: StoredRecord): LoggedRecord {
  return { id, vector: vector ?? new Float32Array(), metadata, document };
}

const PAGE_MAX = 1_000;
const PAGE_MIN = 10;
/** Beside its vector, of a typical record: id, metadata, text. */
const RECORD_BYTES = 2_000;

/** How many records of a dimension make a page. */
export function pageSizeOf(dimension: number, bytesMax: number): number {
  return Math.max(PAGE_MIN, Math.min(PAGE_MAX, Math.floor(bytesMax / (dimension * 4 + RECORD_BYTES))));
}

/** The placement that records are read from failed, not the one that is filled. */
class SourceFailed extends Error {
  override readonly name = 'SourceFailed';

  constructor(cause: unknown) {
    super('The placement that is copied from does not answer.', { cause });
  }
}

class NoSource extends Error {
  override readonly name = 'NoSource';
  override readonly message = 'No other placement is a full copy now.';
}

class CollectionNotEmpty extends Error {
  override readonly name = 'CollectionNotEmpty';
  override readonly message = 'The collection holds records that are not of this database.';
}

/** What the owner of the database may read about a failure. */
function publicText(error: unknown): string {
  if (error instanceof SourceFailed)
    return isConnectorError(error.cause) ? `Source: ${error.cause.message}` : error.message;
  if (isConnectorError(error) || error instanceof NoSource || error instanceof CollectionNotEmpty) return error.message;
  return 'The placement cannot be filled now; the cause is in the service log.';
}
