/** What goes wrong, until it is set to nothing again. */
export type QdrantFault =
  /** Every answer is this one. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSeconds?: number }
  /** Answers come late. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** The connection ends in mid-answer: of every request, or of the next one alone. */
  | { readonly kind: 'truncated'; readonly afterBytes: number; readonly once?: boolean }
  /** The server holds vectors to be of another dimension than its collection says. */
  | { readonly kind: 'wrongDimension' }
  /** Writes are taken and not carried out in time, though they were waited for. */
  | { readonly kind: 'putOff' }
  /** Nothing can be written; reads go on. */
  | { readonly kind: 'diskFull' };
