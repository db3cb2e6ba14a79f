/** Lets one loop wait until it is called, or until time has passed. A call before the wait is not lost. */
export interface Wakeup {
  wake(): void;
  wait(timeoutMs: number): Promise<void>;
}

/** Creates a wakeup; once the signal is aborted nothing waits any more. */
export function createWakeup(signal: AbortSignal): Wakeup {
  let called = false;
  let proceed = (): void => {};
  const wake = (): void => {
    called = true;
    proceed();
  };
  signal.addEventListener('abort', wake, { once: true });
  return {
    wake,
    async wait(timeoutMs) {
      if (!called && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          proceed = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      called = false;
    },
  };
}
