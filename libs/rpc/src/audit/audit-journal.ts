/** One change or one refusal, as it stands in a service's journal: JSON. */
export interface AuditRecord {
  readonly id: string;
  /** Whose things it is about. */
  readonly ownerId: string;
  /** Who did it; empty where nobody was known. */
  readonly userId: string;
  readonly apiKeyId: string;
  readonly sessionId: string;
  readonly service: string;
  /** Full RPC name. */
  readonly action: string;
  /** `servers/<id>`. */
  readonly target: string;
  readonly outcome: 'SUCCEEDED' | 'FAILED' | 'DENIED' | 'UNFINISHED';
  readonly requestId: string;
  readonly address: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  /** RFC 3339. */
  readonly at: string;
}

/** What is known of a change only when it is over. */
export type AuditEnd = Pick<AuditRecord, 'ownerId' | 'target' | 'outcome' | 'before' | 'after'>;

/** A change that is on record and under way. */
export interface OpenRecord {
  /** Runs a part of the change. Whatever it commits says in the same transaction that the change was made. */
  run<T>(part: () => T): T;
  /**
   * How the change ended; written soon. A change of which something was committed has SUCCEEDED, whatever is said here. One
   * whose process dies before this stays as it is: SUCCEEDED if something was committed, else UNFINISHED.
   */
  end(end: AuditEnd): void;
}

/** Where a service writes down what is done, before and as it is done. */
export interface AuditJournal {
  /** Writes down what was not done. */
  refused(record: AuditRecord): Promise<void>;
  /**
   * Resolves when the record is durable; a change begins after that, and not at all when this rejects. `known` tells what
   * is known of the change by the time that it is committed.
   */
  begin(record: AuditRecord, known: () => Partial<AuditRecord>): Promise<OpenRecord>;
}
