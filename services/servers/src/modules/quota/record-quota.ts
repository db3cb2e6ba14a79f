import { requireQuota } from '@morag/orm';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { DatabaseView } from '../database/database-view.ts';
import type { SequenceBoard } from '../log/sequence-board.ts';
import type { QuotaStore } from './quota.store.ts';

/** Where the records of a database are. */
export interface Target {
  readonly databaseId: string;
  readonly serverId: string;
  readonly revision: number;
  readonly collection: string;
  readonly placementId: string;
  /** The newest mutation of the log, and the one up to which the placement had applied it when this was read. */
  readonly headSequence: number;
  readonly appliedSequence: number;
}

/** Keeps owners within their number of records. */
export interface RecordQuota {
  /** Runs a write of so many records to a database, or refuses it: QUOTA_EXCEEDED. */
  within<T extends { readonly sequence: number }>(
    database: Pick<DatabaseView, 'id' | 'ownerId'>,
    records: number,
    write: () => Promise<T>,
  ): Promise<T>;
  /** As their servers have counted them, at most ten seconds ago. */
  used(ownerId: string): Promise<number>;
}

/** See createRecordQuota. */
export interface RecordQuotaDeps {
  /** 0: no limit, and nothing is counted for writes. */
  readonly limit: number;
  readonly quotas: Pick<QuotaStore, 'targets'>;
  readonly pool: Pick<ConnectorPool, 'use'>;
  readonly board: Pick<SequenceBoard, 'applied'>;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

interface Owner {
  countedAt: number;
  /** By database, as last counted: what stands for a server that cannot be asked now. */
  counts: ReadonlyMap<string, number>;
  /** By database, what no count is known to hold: also what is only in the log, or was not confirmed. */
  readonly written: Map<string, Written[]>;
  writing: number;
  counting: Promise<void> | undefined;
}

/** Records that were written, and their place in the log: undefined for that of a write that failed. */
interface Written {
  readonly records: number;
  sequence: number | undefined;
}

/** What was found of a database. */
interface Found {
  /** Undefined when its server could not be asked. */
  readonly count: number | undefined;
  readonly head: number;
  /** What was certainly applied before it was counted. */
  readonly applied: number;
}

const OWNERS_MAX = 10_000;
/** Writes of a database that are told apart; of more, all count until the last is applied. */
const WRITES_MAX = 1_000;
/** What another instance has written is known after this. */
const FRESH_MS = 10_000;
/** Before a write is refused all is counted again; no more often than this, unless something was written since. */
const AGAIN_MS = 1_000;
/** A server that is silent for longer keeps its owner's writes no longer; what was last counted stands for it. */
const COUNT_MS_MAX = 1_000;
const AT_ONCE = 8;

/**
 * Nobody but the servers knows how many records there are: a write may replace some. So they are asked, and what is
 * written meanwhile counts as new, until its server has applied it; before a write is refused they are asked again. What other instances have written
 * since, at most ten seconds' worth, is not known: by so much a limit can be exceeded.
 */
export function createRecordQuota(deps: RecordQuotaDeps): RecordQuota {
  const { limit, now = () => performance.now() } = deps;
  const owners = new Map<string, Owner>();

  const find = (ownerId: string): Owner => {
    const found = owners.get(ownerId);
    if (found) return found;
    const oldest = owners.size >= OWNERS_MAX ? owners.keys().next().value : undefined;
    if (oldest !== undefined) owners.delete(oldest);
    const countedAt = Number.NEGATIVE_INFINITY;
    const made: Owner = { countedAt, counts: new Map(), written: new Map(), writing: 0, counting: undefined };
    owners.set(ownerId, made);
    return made;
  };
  const recount = async (ownerId: string, owner: Owner): Promise<void> => {
    const startedAt = now();
    const failed = [...owner.written].map(
      ([id, all]) => [id, all.filter((one) => one.sequence === undefined)] as const,
    );
    const found = await countAll(deps, ownerId);
    owner.counts = new Map([...found].map(([id, { count }]) => [id, count ?? owner.counts.get(id) ?? 0]));
    // Where one of these is in the log, it was before the log was looked at.
    for (const [id, all] of failed) for (const one of all) one.sequence = found.get(id)?.head;
    for (const [id, all] of owner.written) {
      const left = all.filter((one) => isUncounted(one, found.get(id)));
      if (left.length > 0) owner.written.set(id, left);
      else owner.written.delete(id);
    }
    owner.countedAt = startedAt;
  };
  /** Those who want to know at once share the question. */
  const refresh = async (ownerId: string, owner: Owner, maxAgeMs: number): Promise<void> => {
    if (now() - owner.countedAt <= maxAgeMs) return;
    owner.counting ??= recount(ownerId, owner).finally(() => {
      owner.counting = undefined;
    });
    await owner.counting;
  };

  return {
    async within({ id, ownerId }, records, write) {
      if (limit === 0) return write();
      const owner = find(ownerId);
      await refresh(ownerId, owner, FRESH_MS);
      if (usedBy(owner) + records > limit) await refresh(ownerId, owner, owner.written.size > 0 ? 0 : AGAIN_MS);
      requireQuota({ name: 'records', limit, adding: records, used: usedBy(owner) });
      owner.writing += records;
      let sequence: number | undefined;
      try {
        const written = await write();
        sequence = written.sequence;
        return written;
      } finally {
        owner.writing -= records;
        owner.written.set(id, withOne(owner.written.get(id) ?? [], { records, sequence }));
      }
    },
    async used(ownerId) {
      const owner = find(ownerId);
      await refresh(ownerId, owner, FRESH_MS);
      return usedBy(owner);
    },
  };
}

function usedBy({ counts, written, writing }: Owner): number {
  return sum(counts.values()) + sum([...written.values()].flat().map(({ records }) => records)) + writing;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

function withOne(all: readonly Written[], one: Written): Written[] {
  if (all.length < WRITES_MAX) return [...all, one];
  const isKnown = all.every(({ sequence }) => sequence !== undefined) && one.sequence !== undefined;
  const records = sum(all.map((each) => each.records)) + one.records;
  return [
    {
      records,
      sequence: isKnown ? Math.max(...all.map(({ sequence = 0 }) => sequence), one.sequence ?? 0) : undefined,
    },
  ];
}

/** Nobody has counted what is on a server that could not be asked, or what its server has yet to apply. */
function isUncounted({ sequence }: Written, found: Found | undefined): boolean {
  if (!found) return false;
  return found.count === undefined || sequence === undefined || sequence > found.applied;
}

/** Of each database. */
async function countAll(
  { quotas, pool, board }: RecordQuotaDeps,
  ownerId: string,
): Promise<ReadonlyMap<string, Found>> {
  const all = new Map<string, Found>();
  const waiting = [...(await quotas.targets(ownerId))];
  const count = async (target: Target): Promise<void> => {
    const { databaseId, serverId, revision, collection, placementId, headSequence: head } = target;
    // First how far it is: the count then holds it.
    const applied = Math.max(target.appliedSequence, board.applied(placementId));
    const options = { signal: AbortSignal.timeout(COUNT_MS_MAX), timeoutMs: COUNT_MS_MAX };
    const found = await pool
      .use({ serverId, revision }, (connector) => connector.count(collection, undefined, options))
      .catch(() => undefined);
    all.set(databaseId, { count: found, head, applied });
  };
  const work = async (): Promise<void> => {
    for (let target = waiting.pop(); target; target = waiting.pop()) await count(target);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return all;
}
