import type { ServerDetails } from './probe.ts';

/** A server that the monitor watches, as far as that is not judged. */
export interface Watched {
  revision: number;
  isMine: boolean;
  isUnderWay: boolean;
  /** It was to be looked at again while a look was under way. */
  isAskedAgain: boolean;
  details: { readonly of: ServerDetails; readonly untilMs: number } | undefined;
  /** Since when it had failed when it was told that it stopped; until it answers. */
  stoppedAt: Date | undefined;
}

/** One that has not been looked at, and is another process's. */
export function newWatched(): Watched {
  return {
    revision: 0,
    isMine: false,
    isUnderWay: false,
    isAskedAgain: false,
    details: undefined,
    stoppedAt: undefined,
  };
}
