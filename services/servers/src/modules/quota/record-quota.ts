import { requireQuota } from '@morag/orm';
import type { ConnectorPool } from '../connector/connector-pool.ts';
import type { DatabaseView } from '../database/database-view.ts';
import type { QuotaStore } from './quota.store.ts';

/** Where the records of a database are. */
export interface Target {
  readonly databaseId: string;
  readonly serverId: string;
  readonly revision: number;
  readonly collection: string;
}

/** Keeps owners within their number of records. */
export interface RecordQuota {
  /** Runs a write of so many records to a database, or refuses it: QUOTA_EXCEEDED. */
  within<T>(database: Pick<DatabaseView, 'id' | 'ownerId'>, records: number, write: () => Promise<T>): Promise<T>;
  /** As their servers have counted them, at most ten seconds ago. */
  used(ownerId: string): Promise<number>;
}

/** See createRecordQuota. */
export interface RecordQuotaDeps {
  /** 0: no limit, and nothing is counted for writes. */
  readonly limit: number;
  readonly quotas: Pick<QuotaStore, 'targets'>;
  readonly pool: Pick<ConnectorPool, 'use'>;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

interface Owner {
  countedAt: number;
  /** By database, as last counted: what stands for a server that cannot be asked now. */
  counts: ReadonlyMap<string, number>;
  /** Written since it was last counted, by database: also what is only in the log, or was not confirmed. */
  readonly written: Map<string, number>;
  writing: number;
  counting: Promise<void> | undefined;
}

const OWNERS_MAX = 10_000;
/** What another instance has written is known after this. */
const FRESH_MS = 10_000;
/** Before a write is refused all is counted again; no more often than this, unless something was written since. */
const AGAIN_MS = 1_000;
/** A server that is silent for longer keeps its owner's writes no longer; what was last counted stands for it. */
const COUNT_MS_MAX = 1_000;
const AT_ONCE = 8;

/**
 * Nobody but the servers knows how many records there are: a write may replace some. So they are asked, and what is
 * written meanwhile counts as new; before a write is refused they are asked again. What other instances have written
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
    const before = new Map(owner.written);
    const found = await countAll(deps, ownerId);
    owner.counts = new Map([...found].map(([id, count]) => [id, count ?? owner.counts.get(id) ?? 0]));
    for (const [id, written] of before) {
      // Nobody has counted what is on a server that cannot be asked.
      if (!found.has(id)) owner.written.delete(id);
      else if (found.get(id) !== undefined) owner.written.set(id, (owner.written.get(id) ?? 0) - written);
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
      if (usedBy(owner) + records > limit) await refresh(ownerId, owner, sum(owner.written) > 0 ? 0 : AGAIN_MS);
      requireQuota({ name: 'records', limit, adding: records, used: usedBy(owner) });
      owner.writing += records;
      try {
        return await write();
      } finally {
        owner.writing -= records;
        owner.written.set(id, (owner.written.get(id) ?? 0) + records);
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
  return sum(counts) + sum(written) + writing;
}

function sum(numbers: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const number of numbers.values()) total += number;
  return total;
}

/** Of each database; undefined where its server cannot be asked. */
async function countAll(
  { quotas, pool }: RecordQuotaDeps,
  ownerId: string,
): Promise<ReadonlyMap<string, number | undefined>> {
  const counts = new Map<string, number | undefined>();
  const waiting = [...(await quotas.targets(ownerId))];
  const count = async ({ databaseId, serverId, revision, collection }: Target): Promise<void> => {
    const options = { signal: AbortSignal.timeout(COUNT_MS_MAX), timeoutMs: COUNT_MS_MAX };
    const found = await pool
      .use({ serverId, revision }, (connector) => connector.count(collection, undefined, options))
      .catch(() => undefined);
    counts.set(databaseId, found);
  };
  const work = async (): Promise<void> => {
    for (let target = waiting.pop(); target; target = waiting.pop()) await count(target);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return counts;
}
