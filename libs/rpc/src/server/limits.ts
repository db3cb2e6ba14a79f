/** Bounds of a service host. */
export interface Limits {
  /** Largest message, either way. */
  readonly messageBytesMax: number;
  /** Deadline of a unary call that comes without one. */
  readonly deadlineMsDefault: number;
  /** Longest deadline of a unary call; a longer one is shortened to it. Streams live as long as their caller says. */
  readonly deadlineMsMax: number;
  /** Unary calls under way at once, and, counted apart, streams open at once. */
  readonly concurrentMax: number;
  /** Time a new connection has to say which protocol it speaks, and then to send the head of a request. */
  readonly headerTimeoutMs: number;
}

/** What a host uses where its options name nothing else. */
export const DEFAULT_LIMITS: Limits = {
  messageBytesMax: 16 * 1024 * 1024,
  deadlineMsDefault: 30_000,
  deadlineMsMax: 600_000,
  concurrentMax: 512,
  headerTimeoutMs: 10_000,
};
