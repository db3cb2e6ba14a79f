import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@morag/telemetry';
import type { LagStore } from './lag.store.ts';
import type { LogObserver } from './log-metrics.ts';

/** Looks how far placements are behind, also those that nobody applies anything to because their server is away. */
export interface LagWatch {
  start(): void;
  stop(): Promise<void>;
}

/** See createLagWatch. */
export interface LagWatchDeps {
  readonly lags: LagStore;
  readonly logObserver: Pick<LogObserver, 'behind'>;
  readonly logger: Logger;
  readonly random: () => number;
}

/** As often as metrics are commonly read. */
const LOOK_MS = 10_000;
/** Beyond so many the rest is not told apart from none. */
const PLACEMENTS_MAX = 1_000;

/** Creates it. */
export function createLagWatch({ lags, logObserver, logger, random }: LagWatchDeps): LagWatch {
  const stopping = new AbortController();
  let watching: Promise<void> | undefined;

  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await lags.behind(PLACEMENTS_MAX).then(logObserver.behind, (error: unknown) => {
        logger.debug({ err: error }, 'the lag of placements is not known now');
      });
      const pauseMs = LOOK_MS * (0.75 + random() / 2);
      await sleep(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  };

  return {
    start() {
      watching = watch();
    },
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}
