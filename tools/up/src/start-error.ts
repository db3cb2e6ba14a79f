/** Something that keeps the system from starting and that the person at the terminal can change; one line. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
