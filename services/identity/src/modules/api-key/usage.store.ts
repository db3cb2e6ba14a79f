import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { RecordApiKeyUsageRequest } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { type Database, query } from '@morag/orm';

/** Calls of one key, one method and one day. */
export interface UsageRow {
  readonly day: string;
  readonly method: string;
  readonly calls: bigint;
  readonly errors: bigint;
  /** Calls by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Where a page of usage ended. */
export type UsageCursor = readonly [day: string, method: string];

/**
 * Adds a batch of counts, once: that it was added is written in the same transaction. Batches go one after the other, so
 * that two never wait for each other's rows crosswise. Counts of keys that are gone are left out.
 */
export async function addUsage(
  db: Database,
  { batchId, counts }: Pick<RecordApiKeyUsageRequest, 'batchId' | 'counts'>,
  signal: AbortSignal,
): Promise<void> {
  const rows = counts.map(({ apiKeyId, method, day, outcome, calls, lastUseTime, lastUseAddress }) => ({
    key: apiKeyId,
    method,
    day,
    outcome,
    calls: String(calls),
    at: lastUseTime && timestampDate(lastUseTime),
    address: lastUseAddress,
  }));
  await db.transaction(
    async (em) => {
      await query(em, `select pg_advisory_xact_lock(hashtextextended('morag/identity/usage', 0))`);
      const [added] = await query(
        em,
        `insert into identity.usage_batches (id, created_at) values ($1, now()) on conflict do nothing returning 1`,
        [batchId],
      );
      if (added) await query(em, ADD, [JSON.stringify(rows)]);
    },
    { signal },
  );
}

const ADD = `
  with counted as (
    select given.* from jsonb_to_recordset($1::jsonb)
      as given(key uuid, method text, day date, outcome text, calls bigint, at timestamptz, address text)
      join identity.api_keys on api_keys.id = given.key),
  used as (
    update identity.api_keys set last_used_at = latest.at, last_used_address = latest.address
      from (select distinct on (key) key, at, address from counted where at is not null order by key, at desc) latest
     where api_keys.id = latest.key and coalesce(last_used_at, '-infinity') < latest.at)
  insert into identity.api_key_usage as sum (key_id, method, day, outcome, calls)
  select key, method, day, outcome, sum(calls)::bigint from counted group by key, method, day, outcome
  on conflict (key_id, day, method, outcome) do update set calls = sum.calls + excluded.calls`;

/** A page of a key's usage, newest day first; one row more than asked for tells that there is another page. */
export function readUsage(
  db: Database,
  keyId: string,
  cursor: UsageCursor | undefined,
  size: number,
): Promise<UsageRow[]> {
  const [day, method] = cursor ?? [null, null];
  return db.read<UsageRow>(
    `select day, method, sum(calls)::bigint as calls,
            coalesce(sum(calls) filter (where outcome <> 'OK'), 0)::bigint as errors,
            jsonb_object_agg(outcome, calls) as outcomes
       from identity.api_key_usage
      where key_id = $1 and ($2::date is null or (day, method) < ($2::date, $3::text))
      group by day, method order by day desc, method desc limit $4`,
    [keyId, day, method, size + 1],
  );
}

/** Forgets batches that nobody sends again any more. */
export async function deleteOldBatches(db: Database): Promise<void> {
  await db.write(`delete from identity.usage_batches where created_at < now() - interval '1 day'`);
}
