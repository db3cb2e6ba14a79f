import type { CommandResult } from '../command.ts';

/** A check that found these mistakes, one a line; none means that it holds. */
export function mistakes(found: readonly string[], remedy = ''): CommandResult {
  return {
    ok: found.length === 0,
    output: found.length > 0 && remedy ? [...found, remedy].join('\n') : found.join('\n'),
  };
}
