/** Guards that can be switched off; each has to be found. */
export const MUTANTS = [
  /** A lease is given to everybody who asks for it. */
  'two-appliers',
  /** An instance does not hear that its lease is lost, and takes silence for consent. */
  'deaf-to-fencing',
  /** A replica becomes the primary before it has applied the log. */
  'early-promotion',
  /** Progress is noted before the server has confirmed. */
  'confirm-before-server',
  /** A read does not wait for the write that its token names. */
  'token-ignored',
  /** What a server may have lost in a crash is not applied again. */
  'no-wind-back',
  /** That a server has stopped is known to nobody but who has seen it. */
  'stops-in-memory',
  /** A database goes back to its former primary as soon as that answers. */
  'hasty-fail-back',
  /** What a process knows of a placement's progress outlives that the placement is wound back. */
  'no-epochs-on-the-board',
] as const;

/** One of them. */
export type Mutant = (typeof MUTANTS)[number];
