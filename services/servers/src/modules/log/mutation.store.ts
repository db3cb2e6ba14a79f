import { type Database, query } from '@morag/orm';
import { databaseNotFound } from './group-commit.ts';
import { decodeMutation, type EncodedMutation } from './mutation.codec.ts';
import { idsOf, type LogEntry } from './mutation.ts';

/** The logs in PostgreSQL. */
export interface MutationStore {
  /**
   * Appends mutations to a database's log, all or none, and answers the new head: the sequence of the last of them.
   * Undefined when there is no such database to write to.
   */
  append(databaseId: string, payloads: readonly Buffer[]): Promise<number | undefined>;
  /**
   * Appends what `decide` answers when it is told which records were written after `sequence`, while nobody else can write.
   * Answers the head of the log then.
   */
  appendUnlessTouched(databaseId: string, sequence: number, decide: Decide): Promise<number>;
  /** The log after `sequence`, in order and without gaps, at most so much of it; at least one entry when there is one. */
  readAfter(databaseId: string, sequence: number, limits: ReadLimits): Promise<readonly LogEntry[]>;
  /** Whether mutations after `sequence` are no longer in the log. */
  isTrimmedPast(databaseId: string, sequence: number): Promise<boolean>;
  /**
   * Gives up replicas that hold the log back for longer than `holdMs`: they are filled anew when their server is back.
   * Answers which they are.
   */
  releaseLate(holdMs: number): Promise<readonly string[]>;
  /**
   * Removes mutations that every placement has applied and that are older than `retentionMs`, at most `rowsMax` of one
   * database. Answers how many went.
   */
  trim(limits: TrimLimits): Promise<number>;
}

/** What is to be written, given the records that others have written meanwhile. */
export type Decide = (touched: ReadonlySet<string>) => readonly EncodedMutation[];

/** See MutationStore.trim. */
export interface TrimLimits {
  readonly retentionMs: number;
  readonly rowsMax: number;
}

/** Bounds of one read of the log. */
export interface ReadLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

/** Creates the store. */
export function createMutationStore(db: Database): MutationStore {
  return {
    appendUnlessTouched: (databaseId, sequence, decide) => appendUnlessTouched(db, databaseId, sequence, decide),
    async append(databaseId, payloads) {
      const rows = payloads.map((_, index) => `(${index + 1}, $${index + 3}::bytea)`).join(', ');
      const [row] = await db.read<{ head_seq: bigint }>(
        // The row lock that the update takes is held until the commit: sequences become visible in order.
        `with head as (
           update databases set head_seq = head_seq + $2, last_written_at = now()
           where id = $1 and state = 'READY' returning head_seq
         ), appended as (
           insert into mutations (database_id, seq, payload)
           select $1, head.head_seq - $2 + given.ordinal, given.payload
           from head, (values ${rows}) as given (ordinal, payload)
         )
         select head_seq from head`,
        [databaseId, payloads.length, ...payloads],
      );
      return row && Number(row.head_seq);
    },
    async readAfter(databaseId, sequence, { entriesMax, bytesMax }) {
      const rows = await db.read<{ seq: bigint; payload: Buffer }>(
        `select seq, payload from (
           select seq, payload,
                  sum(octet_length(payload)) over (order by seq) - octet_length(payload) as bytes_before
           from (select seq, payload from mutations where database_id = $1 and seq > $2 order by seq limit $3) as next
         ) as measured
         where bytes_before < $4 order by seq`,
        [databaseId, sequence, entriesMax, bytesMax],
      );
      return rows.map(({ seq, payload }) => ({
        sequence: Number(seq),
        mutation: decodeMutation(payload),
        sizeBytes: payload.length,
      }));
    },
    async isTrimmedPast(databaseId, sequence) {
      const rows = await db.read('select 1 from databases where id = $1 and trimmed_seq > $2', [databaseId, sequence]);
      return rows.length > 0;
    },
    releaseLate: (holdMs) => releaseLate(db, holdMs),
    trim: (limits) => trim(db, limits),
  };
}

async function trim(db: Database, { retentionMs, rowsMax }: TrimLimits): Promise<number> {
  const [row] = await db.read<{ trimmed: bigint }>(
    `with ready as (
         select d.id, min(p.applied_seq) as applied_seq
         from databases d join placements p on p.database_id = d.id
         where d.state = 'READY' and d.trimmed_seq < d.head_seq and p.state not in ('PROVISIONING', 'DRAINING')
         group by d.id having min(p.applied_seq) > min(d.trimmed_seq)
       ), old as (
         select m.database_id, m.seq from ready cross join lateral (
           select database_id, seq from mutations
           where database_id = ready.id and seq <= ready.applied_seq
             and created_at < now() - make_interval(secs => $1::double precision / 1000)
           order by seq limit $2 for update skip locked
         ) as m
       ), gone as (
         delete from mutations using old
         where mutations.database_id = old.database_id and mutations.seq = old.seq
         returning mutations.database_id, mutations.seq
       ), newest as materialized (
         select id, seq from databases
         join (select database_id, max(seq) as seq from gone group by database_id) as last on last.database_id = id
         order by id for no key update of databases
       ), heads as (
         update databases set trimmed_seq = greatest(trimmed_seq, newest.seq) from newest where databases.id = newest.id
       )
       select count(*) as trimmed from gone`,
    [retentionMs, rowsMax],
  );
  return Number(row?.trimmed ?? 0);
}

async function appendUnlessTouched(
  db: Database,
  databaseId: string,
  sequence: number,
  decide: Decide,
): Promise<number> {
  return db.transaction(async (em) => {
    // The same row lock that appending takes, and keeps to the end.
    const [head] = await query<{ head_seq: bigint }>(
      em,
      `select head_seq from databases where id = $1 and state = 'READY' for no key update`,
      [databaseId],
    );
    if (!head) throw databaseNotFound(databaseId);
    const rows = await query<{ payload: Buffer }>(
      em,
      'select payload from mutations where database_id = $1 and seq > $2 order by seq',
      [databaseId, sequence],
    );
    const touched = new Set(rows.flatMap(({ payload }) => idsOf(decodeMutation(payload))));
    let last = Number(head.head_seq);
    for (const { payload } of decide(touched)) {
      await query(em, 'insert into mutations (database_id, seq, payload) values ($1, $2, $3)', [
        databaseId,
        ++last,
        payload,
      ]);
    }
    await query(em, 'update databases set head_seq = $2, last_written_at = now() where id = $1', [databaseId, last]);
    return last;
  });
}

async function releaseLate(db: Database, holdMs: number): Promise<readonly string[]> {
  // The lease runs out by itself: its holder may have a request under way.
  const rows = await db.write<{ id: string }>(
    `with late as materialized (
       select p.id from placements p join databases d on d.id = p.database_id
       where d.state = 'READY' and p.role = 'REPLICA'
         and p.state in ('OFFLINE', 'LAGGING', 'CATCHING_UP') and p.applied_seq < d.head_seq
         and (select m.created_at from mutations m where m.database_id = d.id and m.seq > p.applied_seq
              order by m.seq limit 1) < now() - make_interval(secs => $1::double precision / 1000)
       order by p.id for no key update of p
     )
     update placements p set state = 'PROVISIONING', copy_source = null, copy_cursor = null, copied = 0,
       epoch = epoch + 1, updated_at = now()
     from late where p.id = late.id returning p.id`,
    [holdMs],
  );
  return rows.map(({ id }) => id);
}
