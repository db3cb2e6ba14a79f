/** Something that runs until it is stopped. */
export interface Runnable {
  start(): Promise<unknown>;
  stop(): Promise<void>;
}

/** See runProgram. */
export interface RunOptions {
  /** Whether the fault lies with the person who started it: exit code 2 instead of 1. */
  readonly isUsageError: (error: unknown) => boolean;
}

/**
 * Runs a service as a process of its own until SIGTERM or SIGINT, then stops it in order. Errors are one line on stderr.
 * Exit codes: 0 stopped, 1 failed, 2 wrong configuration.
 */
export async function runProgram(build: () => Promise<Runnable>, { isUsageError }: RunOptions): Promise<void> {
  try {
    const program = await build();
    await program.start();
    await new Promise((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
    await program.stop();
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(isUsageError(error) ? 2 : 1);
  }
}
