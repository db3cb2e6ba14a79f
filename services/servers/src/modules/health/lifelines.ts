import type { Lifeline } from '../connector/vendors.ts';

/**
 * Connections that carry nothing, one to each server that may lose in a crash what it had confirmed. Such a connection
 * breaks when the server's process ends: it is then looked at while it is still away, also where nobody asks anything of it
 * and it would be back before the next look.
 */
export interface Lifelines {
  /** The server has just answered: a line to it is open from now on, if one can be. */
  keep(serverId: string): void;
  drop(serverId: string): void;
  stop(): void;
}

/** See createLifelines. */
export interface LifelinesDeps {
  readonly open: (serverId: string, onEnd: () => void, signal: AbortSignal) => Promise<Lifeline>;
  /** A line has ended by itself: the server has died, or has closed what it took for idle. */
  readonly onBroken: (serverId: string) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly linesMax?: number;
}

/** Each takes a socket of this process and one of the server's. */
const LINES_MAX = 1_000;
const OPENING_MS = 5_000;
/** A server that closes silent connections at once, so many times in a row, is looked at when its turn comes again. */
const SHORT_LIVES_MAX = 3;
const SHORT_LIFE_MS = 1_000;

interface Line {
  readonly closing: AbortController;
  openedAtMs: number;
}

/** Creates none yet. */
export function createLifelines({ open, onBroken, now, linesMax = LINES_MAX }: LifelinesDeps): Lifelines {
  const lines = new Map<string, Line>();
  const shortLives = new Map<string, number>();
  let isStopped = false;

  const ended = (serverId: string, line: Line): void => {
    if (lines.get(serverId) !== line) return;
    lines.delete(serverId);
    const isShort = now() - line.openedAtMs < SHORT_LIFE_MS;
    const inARow = isShort ? (shortLives.get(serverId) ?? 0) + 1 : 0;
    shortLives.set(serverId, inARow);
    if (inARow < SHORT_LIVES_MAX) onBroken(serverId);
  };
  const begin = async (serverId: string, line: Line): Promise<void> => {
    const { signal } = line.closing;
    try {
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(OPENING_MS)]);
      const lifeline = await open(serverId, () => ended(serverId, line), inTime);
      line.openedAtMs = now();
      if (signal.aborted) lifeline.close();
      else signal.addEventListener('abort', () => lifeline.close(), { once: true });
    } catch {
      // The next look tells why.
      if (lines.get(serverId) === line) lines.delete(serverId);
    }
  };
  const drop = (serverId: string): void => {
    const line = lines.get(serverId);
    lines.delete(serverId);
    shortLives.delete(serverId);
    line?.closing.abort();
  };

  return {
    keep(serverId) {
      if (isStopped || lines.has(serverId) || lines.size >= linesMax) return;
      const line: Line = { closing: new AbortController(), openedAtMs: now() };
      lines.set(serverId, line);
      void begin(serverId, line);
    },
    drop,
    stop() {
      isStopped = true;
      for (const serverId of lines.keys()) drop(serverId);
    },
  };
}
