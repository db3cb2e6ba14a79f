/** Something that the person at the terminal is told in a line; exit code 1. */
export class CliError extends Error {
  override readonly name = 'CliError';
}
