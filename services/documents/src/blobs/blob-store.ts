/** A content that was received whole and is not kept yet. Exactly one of `commit` and `discard` ends it. */
export interface StagedBlob {
  /** SHA-256, hexadecimal: the name it is kept under. */
  readonly hash: string;
  readonly sizeBytes: number;
  /** The first bytes, at most `HEAD_BYTES`: enough to tell what it is. */
  readonly head: Uint8Array;
  /** Keeps it, durably. The same content may be kept any number of times. */
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/** How much of a content `StagedBlob.head` holds. */
export const HEAD_BYTES = 64 * 1024;

/** A content that nobody names is garbage after so long: far longer than an upload takes from its last byte to its rows. */
export const GARBAGE_AGE_MS = 24 * 3_600_000;

/** See BlobStore.list. */
export interface StoredBlob {
  readonly hash: string;
  /** When it was last committed. */
  readonly committedAt: Date;
}

/** Keeps contents under their own hash, so that the same file is kept once, whoever uploads it. */
export interface BlobStore {
  /**
   * Receives a content. Rejects with FILE_TOO_LARGE as soon as it exceeds `bytesMax`, and with the signal's reason; then
   * nothing stays.
   */
  stage(content: AsyncIterable<Uint8Array>, bytesMax: number, signal: AbortSignal): Promise<StagedBlob>;
  /** A path to the content for as long as `use` runs; rejects with UNREADABLE_FILE when it is not there. */
  withFile<T>(hash: string, signal: AbortSignal, use: (path: string) => Promise<T>): Promise<T>;
  /** Every content that is kept, in no order. */
  list(signal: AbortSignal): AsyncIterable<StoredBlob>;
  /** Removes a content unless it was committed after `cutoff`; says whether it did. */
  removeOlder(hash: string, cutoff: Date): Promise<boolean>;
  /** Removes what uploads left behind that died before `cutoff`. */
  sweep(cutoff: Date): Promise<number>;
  /** Rejects when contents cannot be kept now. */
  check(): Promise<void>;
}
