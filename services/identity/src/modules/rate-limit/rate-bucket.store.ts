import type { Database } from '@morag/orm';
import type { Balance } from '@morag/rpc';

/** What one service asks of one bucket; see `TokenDraw` of the contract. */
export interface BucketDraw {
  readonly bucket: string;
  readonly limit: number;
  readonly used: number;
  readonly wanted: number;
}

/** Buckets that nobody has drawn from for this long are full: also after a debt, a minute fills all but a tenth. */
const FULL_AFTER_SECONDS = 120;

/** Draws from several buckets in one statement each way; balances in the order of the draws. */
export async function drawTokens(db: Database, draws: readonly BucketDraw[]): Promise<readonly Balance[]> {
  const found = await draw(db, draws);
  const missing = draws.filter(({ bucket }) => !found.has(bucket));
  if (missing.length > 0) {
    await db.write(FILL, [missing.map(({ bucket }) => bucket), missing.map(({ limit }) => limit)]);
    for (const [bucket, balance] of await draw(db, missing)) found.set(bucket, balance);
  }
  return draws.map(({ bucket }) => found.get(bucket) ?? NOTHING);
}

/** Of a bucket that was swept away in between: the next draw finds it full. */
const NOTHING: Balance = { granted: 0, tokens: 0 };

/** Removes what stands for no more than a full bucket. */
export async function sweepBuckets(db: Database): Promise<void> {
  await db.write(
    `delete from identity.rate_buckets where updated_at < now() - interval '${FULL_AFTER_SECONDS} seconds'`,
  );
}

async function draw(db: Database, draws: readonly BucketDraw[]): Promise<Map<string, Balance>> {
  const rows = await db.write<Balance & { bucket: string }>(DRAW, [
    draws.map(({ bucket }) => bucket),
    draws.map(({ limit }) => limit),
    draws.map(({ used }) => used),
    draws.map(({ wanted }) => wanted),
  ]);
  return new Map(rows.map(({ bucket, granted, tokens }) => [bucket, { granted, tokens }]));
}

const FILL = `
  insert into identity.rate_buckets (bucket, tokens, updated_at)
  select bucket, "limit", now() from unnest($1::text[], $2::int[]) as given(bucket, "limit") order by bucket
  on conflict (bucket) do nothing`;

/**
 * Locks the rows in the order of their key, so that draws at once never wait for each other crosswise, and judges them as
 * they are then. What was used is taken in any case, but a debt is at most a tenth of the limit, which ten instances can
 * run up: what was let in while nobody could draw shuts nobody out for long afterwards.
 */
const DRAW = `
  with given as (
    select * from unnest($1::text[], $2::int[], $3::int[], $4::int[]) as given(bucket, "limit", used, wanted)
  ), held as materialized (
    select g.bucket, g.wanted, g."limit",
      least(g."limit", b.tokens + greatest(0, extract(epoch from clock_timestamp() - b.updated_at)) * g."limit" / 60)
        - g.used as tokens
    from identity.rate_buckets b join given g on g.bucket = b.bucket order by b.bucket for update of b
  ), granted as (
    select *, least(wanted, greatest(0, floor(tokens)))::int as granted from held
  )
  update identity.rate_buckets b
  set tokens = greatest(g.tokens - g.granted, -g."limit" / 10.0), updated_at = clock_timestamp()
  from granted g where g.bucket = b.bucket
  returning b.bucket, g.granted, b.tokens`;
