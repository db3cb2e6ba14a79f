import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import type { Database } from './database.ts';
import { createGroupWriter } from './group-writer.ts';
import type { RecordedChange } from './recorded-change.ts';
import { createWakeup } from './wakeup.ts';

/** A record as the journal looks at it; the rest of its members it keeps as they are. */
export interface JournalRecord {
  readonly id: string;
  readonly outcome: string;
}

/** A change under way; see @morag/rpc. */
export interface OpenJournalRecord<R extends JournalRecord> {
  run<T>(part: () => T): T;
  end(end: Partial<R>): void;
}

/** The journal of @morag/rpc, met by shape, with what hands its records over. */
export interface AuditJournalStore<R extends JournalRecord> {
  refused(record: R): Promise<void>;
  begin(record: R, known: () => Partial<R>): Promise<OpenJournalRecord<R>>;
  /** Begins to hand over. */
  start(): void;
  /** Writes what has ended, and hands over what there is, if that does not take long. */
  stop(): Promise<void>;
}

/** See createAuditJournal. */
export interface AuditJournalOptions<R extends JournalRecord> {
  readonly db: Database;
  /** Gives records to identity; safe to repeat. At most 500. */
  readonly send: (records: readonly R[], signal: AbortSignal) => Promise<unknown>;
  readonly logger: Logger;
}

const BATCH_MAX = 500;
const POLL_MS = 1_000;
const SEND_MS_MAX = 10_000;
const STOP_MS_MAX = 3_000;
/** Longer than any call but the longest imports; what is open for longer has lost its process. */
const OPEN_MAX = '1 hour';

/**
 * A journal in the service's own schema, so that it can be written whenever the service can write at all. A record is
 * there before its change begins; that the change is made is written into it by the transaction that makes it; what is
 * known only afterwards, such as the answer, is added. Records that begin or end at the same time share one statement; those that have ended, and those whose process has died, go to
 * identity once a second or sooner, and are removed when identity has them.
 */
export function createAuditJournal<R extends JournalRecord>(options: AuditJournalOptions<R>): AuditJournalStore<R> {
  const { db, send, logger } = options;
  const stopping = new AbortController();
  const wakeup = createWakeup(stopping.signal);
  let running: Promise<void> | undefined;

  const begins = createGroupWriter<R>(BATCH_MAX, async (records) => {
    await db.write(BEGIN, [toJson(records)]);
  });
  const ends = createGroupWriter<{ readonly id: string; readonly end: Partial<R> }>(BATCH_MAX, async (entries) => {
    await db.write(END, [toJson(entries)]);
    wakeup.wake();
  });

  const handOver = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      const rows = await db.read<{ id: string; record: R }>(READY, [BATCH_MAX]);
      if (rows.length === 0) return;
      await send(
        rows.map(({ record }) => record),
        AbortSignal.any([signal, AbortSignal.timeout(SEND_MS_MAX)]),
      );
      await db.write('delete from audit_journal where id = any($1)', [rows.map(({ id }) => id)]);
    }
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await handOver(stopping.signal).catch((error: unknown) => {
        if (!stopping.signal.aborted) logger.info({ err: error }, 'audit records were not taken; they are sent again');
      });
      await wakeup.wait(POLL_MS);
      // Lets what ends together go together.
      await sleep(20, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };

  const finish = (id: string, end: Partial<R>): void => {
    ends
      .write({ id, end })
      .catch((error: unknown) => logger.warn({ err: error }, 'the end of a change is not on record'));
  };

  return {
    refused: (record) => begins.write(record),
    async begin(record, known) {
      await begins.write(record);
      return openRecord(
        db,
        () => ({ ...record, ...known() }),
        (end) => finish(record.id, end),
      );
    },
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort(new Error('the service stops'));
      await running;
      await ends.idle();
      await handOver(AbortSignal.timeout(STOP_MS_MAX)).catch(() => {});
    },
  };
}

function openRecord<R extends JournalRecord>(
  db: Database,
  known: () => R,
  finish: (end: Partial<R>) => void,
): OpenJournalRecord<R> {
  let isMarked = false;
  let isOver = false;
  const change: RecordedChange = {
    mark: async (run) => void (await run(MARK, [toJson({ ...known(), outcome: MADE })])),
    marked() {
      isMarked = true;
    },
    isDone: () => isMarked || isOver,
  };
  return {
    run: (part) => db.recorded(change, part),
    end(end) {
      isOver = true;
      // What was committed is made, whatever its caller was answered.
      finish(isMarked ? { ...end, outcome: MADE } : end);
    },
  };
}

/** JSON that PostgreSQL takes: it has no place for NUL and for half a character. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    typeof part === 'string' ? part.replaceAll('\0', '\ufffd').toWellFormed() : part,
  );
}

/** A refusal is over when it begins. */
const BEGIN = `
  insert into audit_journal (id, record, created_at, ended_at)
  select (record->>'id')::uuid, record, now(), case when record->>'outcome' <> 'UNFINISHED' then now() end
    from jsonb_array_elements($1::jsonb) record`;

const MADE = 'SUCCEEDED';

/** Should the record have gone meanwhile, as that of a call of more than an hour has, it is written anew. */
const MARK = `
  insert into audit_journal (id, record, created_at)
  select (record->>'id')::uuid, record, now() from (select $1::jsonb) as given(record)
  on conflict (id) do update set record = excluded.record`;

const END = `
  update audit_journal set record = audit_journal.record || given."end", ended_at = now()
    from jsonb_to_recordset($1::jsonb) as given(id uuid, "end" jsonb) where audit_journal.id = given.id`;

const READY = `
  select id, record from audit_journal
   where ended_at is not null or created_at < now() - interval '${OPEN_MAX}' order by id limit $1`;
