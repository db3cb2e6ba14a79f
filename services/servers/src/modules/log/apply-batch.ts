import {
  type CallOptions,
  type ConnectorError,
  isConnectorError,
  splitBatches,
  type VectorConnector,
} from '@morag/connectors-core';
import type { FoldedBatch } from './fold.ts';
import type { LoggedRecord } from './mutation.ts';

/** A record that the server will not take, however often it is asked. */
export interface Refusal {
  readonly record: LoggedRecord;
  readonly reason: string;
}

/** See applyBatch. */
export interface ApplyTarget {
  readonly connector: Pick<VectorConnector, 'upsert' | 'deleteByIds' | 'capabilities'>;
  readonly collection: string;
  /** Records in one call at most, beside the vendor's own bound. */
  readonly recordsMax?: number;
  /** Called before each request: its deadline must end before the lease does. Throws when there is no time left. */
  readonly callOptions: () => CallOptions;
  /** What is written may be there, broken by a crash: where writing over it repairs nothing, it is deleted first. */
  readonly isRepair?: boolean;
  /**
   * The server fails at this batch again and again, and not because it is away: records that it fails at alone, while it
   * takes others, count as refused.
   */
  readonly isolates?: boolean;
}

const DELETES_PER_CALL = 1_000;
/** Calls of one batch that are under way together. */
export const CALLS_AT_ONCE = 4;
/** Fewer are not divided between calls: what a call costs by itself would outweigh what is won. */
const SHARE_MIN = 100;
/** Calls that are spent on finding the records at which a server fails. */
const ISOLATION_MAX = 400;

/** Categories that blame the request and not the moment. */
const REFUSING: ReadonlySet<string> = new Set(['invalid_argument', 'payload_too_large', 'unsupported']);

/** Whether an error means that the server will never take this request. */
export function isRefusal(error: unknown): error is ConnectorError {
  return isConnectorError(error) && REFUSING.has(error.category);
}

/**
 * Applies a batch to a server, in calls of the server's size, a few at once: no id occurs twice in it. A call that is
 * refused is halved until the records that spoil it stand alone; they are answered and the rest is in. Any other error
 * is thrown, after every call has ended; the batch may then be in part applied, and is repeated whole.
 */
export async function applyBatch(target: ApplyTarget, batch: FoldedBatch): Promise<readonly Refusal[]> {
  const { maxBatchRecords, maxBatchBytes } = target.connector.capabilities();
  const recordsMax = Math.min(maxBatchRecords, target.recordsMax ?? maxBatchRecords, shareOf(batch.upserts.length));
  const limits = { recordsMax, bytesMax: maxBatchBytes };
  const upserts = [...splitBatches(batch.upserts, limits, sizeOf)];
  const deletes = [...splitBatches(batch.deletes, { ...limits, recordsMax: DELETES_PER_CALL }, ({ length }) => length)];
  const calls = new Calls(target);
  const work = [
    ...upserts.map((records) => () => calls.upsert(records)),
    ...deletes.map((ids) => () => calls.remove(ids)),
  ];
  await runSome(work, CALLS_AT_ONCE);
  return calls.refusals();
}

/** What each call takes where they share the records evenly: a server that writes each on a core of its own is done sooner. */
function shareOf(records: number): number {
  const calls = Math.min(CALLS_AT_ONCE, Math.max(1, Math.floor(records / SHARE_MIN)));
  return Math.max(1, Math.ceil(records / calls));
}

/** The calls of one batch, and what they came to. */
class Calls {
  readonly #target: ApplyTarget;
  readonly #refused: Refusal[] = [];
  /** Records that the server fails at alone. */
  readonly #failing: { readonly record: LoggedRecord; readonly error: ConnectorError }[] = [];
  #accepted = 0;
  #attempts = 0;

  constructor(target: ApplyTarget) {
    this.#target = target;
  }

  async upsert(records: readonly LoggedRecord[]): Promise<void> {
    try {
      await this.#upsertWhole(records);
    } catch (error) {
      const [record] = records;
      if (!record || !this.#blamesRecords(error)) throw error;
      if (records.length > 1) {
        const middle = Math.ceil(records.length / 2);
        await this.upsert(records.slice(0, middle));
        await this.upsert(records.slice(middle));
      } else if (REFUSING.has(error.category)) this.#refused.push({ record, reason: error.message });
      else this.#failing.push({ record, error });
    }
  }

  async remove(ids: readonly string[]): Promise<void> {
    const { connector, collection, callOptions } = this.#target;
    await connector.deleteByIds(collection, ids, callOptions());
  }

  /** A server that fails at all that it is given is broken itself: then nothing is said of the records. */
  refusals(): readonly Refusal[] {
    const [first] = this.#failing;
    if (first && this.#accepted === 0) throw first.error;
    return [...this.#refused, ...this.#failing.map(({ record, error }) => ({ record, reason: error.message }))];
  }

  async #upsertWhole(records: readonly LoggedRecord[]): Promise<void> {
    const { connector, collection, callOptions, isRepair = false } = this.#target;
    this.#attempts++;
    if (isRepair && connector.capabilities().repairByReplacing) await this.remove(records.map(({ id }) => id));
    const { failed } = await connector.upsert(collection, records, callOptions());
    this.#accepted += records.length - failed.length;
    const reasons = new Map(failed.map(({ id, message }) => [id, message]));
    for (const record of records) {
      const reason = reasons.get(record.id);
      if (reason !== undefined) this.#refused.push({ record, reason });
    }
  }

  #blamesRecords(error: unknown): error is ConnectorError {
    if (isRefusal(error)) return true;
    const isFault = isConnectorError(error) && error.category === 'internal';
    return isFault && this.#target.isolates === true && this.#attempts < ISOLATION_MAX;
  }
}

/** Runs all, a few at once; after a failure begins no more, waits for those under way and throws the first error. */
async function runSome(work: readonly (() => Promise<void>)[], atOnce: number): Promise<void> {
  const errors: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let task = work[next++]; task && errors.length === 0; task = work[next++]) {
      await task().catch((error: unknown) => errors.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, work.length) }, lane));
  if (errors.length > 0) throw errors[0];
}

// As JSON: about 10 characters a number. Metadata and text are small beside it, or counted well enough so.
function sizeOf({ id, vector, metadata, document }: LoggedRecord): number {
  const meta = metadata === undefined ? 0 : JSON.stringify(metadata).length;
  return id.length + vector.length * 10 + meta + (document?.length ?? 0);
}
