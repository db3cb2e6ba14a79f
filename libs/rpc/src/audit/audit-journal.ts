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

/** Where a service writes down what is done, before it is done. */
export interface AuditJournal {
  /** Resolves when the record is durable; a change begins after that, and not at all when this rejects. */
  begin(record: AuditRecord): Promise<void>;
  /** How the change ended; written soon. A process that dies before leaves the record UNFINISHED. */
  end(id: string, end: AuditEnd): void;
}
