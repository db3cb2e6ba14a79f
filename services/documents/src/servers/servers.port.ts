import type { Filter } from '@morag/connectors-core';

/** On whose behalf the servers service is called. */
export interface Acting {
  /** A user's own credential, or a service token bound to an owner. */
  readonly credential: string;
  readonly requestId?: string;
}

/** What the documents service needs to know of a database. */
export interface TargetDatabase {
  readonly id: string;
  readonly ownerId: string;
  readonly dimension: number;
  /** Who embeds its documents; both empty means the installation's embedder. */
  readonly provider: string;
  readonly model: string;
  /** Share of the vector leg in a hybrid search; undefined means the embedding model's. */
  readonly vectorWeight: number | undefined;
}

/** A passage's vector. */
export interface VectorRecord {
  readonly id: string;
  readonly documentId: string;
  readonly vector: Float32Array;
}

/** A record that a query found. */
export interface RecordHit {
  readonly id: string;
  readonly score: number;
}

/** See ServersPort.query. */
export interface RecordQuery {
  readonly vector: Float32Array;
  readonly topK: number;
  readonly filter?: Filter;
}

/** The servers service, as this one uses it. Rejects with the reasons of its contract. */
export interface ServersPort {
  database(id: string, acting: Acting, signal: AbortSignal): Promise<TargetDatabase>;
  /** All or nothing, at most 1,000 (the contract's bound). Resolves when the write is confirmed. */
  upsert(databaseId: string, records: readonly VectorRecord[], acting: Acting, signal: AbortSignal): Promise<void>;
  /** At most 1,000 (the contract's bound). Ids that do not exist are no error. */
  remove(databaseId: string, ids: readonly string[], acting: Acting, signal: AbortSignal): Promise<void>;
  query(databaseId: string, query: RecordQuery, acting: Acting, signal: AbortSignal): Promise<RecordHit[]>;
  setDocumentCount(
    databaseId: string,
    count: number,
    revision: bigint,
    acting: Acting,
    signal: AbortSignal,
  ): Promise<void>;
}

/** Acts for an owner who is not there: in a job, or when something is made up for later. */
export type ActFor = (ownerId: string) => Promise<Acting>;

/** How long a token of `ActFor` is good for; no write of a worker reaches the servers service later than this. */
export const ACTING_SECONDS = 120;
