import { createHash } from 'node:crypto';
import type { Database } from '@morag/orm';
import type { Instance } from '../../instance.ts';

/** Which servers this instance probes and judges: each belongs to one of the instances that are there. */
export interface HealthMembers {
  /** Says that this instance is there, and learns who else is. */
  renew(): Promise<void>;
  /** False also when the lease ran out because it could not be renewed. */
  isMine(serverId: string): boolean;
  leave(): Promise<void>;
}

/** See createHealthMembers. */
export interface HealthMembersDeps {
  readonly db: Database;
  readonly instance: Instance;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly leaseMs: number;
}

const SHARDS = 256;

/**
 * Every instance holds a lease, and all compute the same owner for each of 256 groups of servers from the leases that
 * live. For a moment after somebody came or went two may judge one server: they see the same, and what a judgement leads to
 * is decided under locks elsewhere.
 */
export function createHealthMembers({ db, instance, now, leaseMs }: HealthMembersDeps): HealthMembers {
  let members: readonly string[] = [];
  let mine: ReadonlySet<number> = new Set();
  let safeUntilMs = Number.NEGATIVE_INFINITY;

  return {
    async renew() {
      const askedAtMs = now();
      const rows = await db.write<{ instanceId: string }>(
        `with renewed as (
           insert into health_members (instance_id, lease_until)
           values ($1, now() + make_interval(secs => $2::float8 / 1000))
           on conflict (instance_id) do update set lease_until = excluded.lease_until
         ), gone as (
           delete from health_members where instance_id in (
             select instance_id from health_members where lease_until < now() - interval '1 minute' for update skip locked)
         )
         select instance_id as "instanceId" from health_members where lease_until >= now() and instance_id <> $1`,
        [instance.id, leaseMs],
      );
      safeUntilMs = askedAtMs + leaseMs;
      const others = rows.map(({ instanceId }) => instanceId).filter((id) => !instance.isDead(id));
      const present = [instance.id, ...others].toSorted();
      if (present.join() === members.join()) return;
      members = present;
      const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
      mine = new Set(shards.filter((shard) => ownerOf(shard, present) === instance.id));
    },
    isMine: (serverId) => now() < safeUntilMs && mine.has(shardOf(serverId)),
    async leave() {
      safeUntilMs = Number.NEGATIVE_INFINITY;
      await db.write('delete from health_members where instance_id = $1', [instance.id]);
    },
  };
}

/** The last byte of a UUIDv7 is random. */
function shardOf(serverId: string): number {
  return Number.parseInt(serverId.slice(-2), 16);
}

/** The member that a shard likes best: whoever comes or goes moves only its own share. */
function ownerOf(shard: number, members: readonly string[]): string | undefined {
  const liking = (member: string): string => createHash('sha256').update(`${shard}/${member}`).digest('hex');
  return members.toSorted((a, b) => (liking(a) < liking(b) ? -1 : 1))[0];
}
