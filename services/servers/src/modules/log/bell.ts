/** Wakes one sleeper; a ring while nobody sleeps is kept for the next. */
export interface Bell {
  ring(): void;
  /** Sleeps until a ring (true), the time or the signal (false). */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
}

/** Creates a silent bell. */
export function createBell(): Bell {
  let rung = false;
  let wakeUp: (() => void) | undefined;

  return {
    ring() {
      rung = true;
      wakeUp?.();
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          timer.unref();
          wakeUp = () => {
            clearTimeout(timer);
            resolve();
          };
          signal.addEventListener('abort', wakeUp, { once: true });
        });
        if (wakeUp) signal.removeEventListener('abort', wakeUp);
        wakeUp = undefined;
      }
      const wasRung = rung;
      rung = false;
      return wasRung;
    },
  };
}
