import type { CommandResult } from '../command.ts';
import { findDifferences, STAGES } from '../generated.ts';
import { mistakes } from './result.ts';

/** What is committed is what the contracts and tables generate now. */
export async function checkGenerated(): Promise<CommandResult> {
  const differences = (await Promise.all(STAGES.map(findDifferences))).flat();
  return mistakes(
    differences.map(({ path, wanted }) => `${path} ${wanted ? 'is out of date' : 'is no longer generated'}`),
    'run: npm run generate',
  );
}
