import { findDifferences, settle } from './generated.ts';
import { syncReferences } from './references.ts';

/** `npm run generate`: brings every generated file up to date and names those that changed. */
const differences = await findDifferences();
for (const difference of differences) {
  settle(difference);
  process.stdout.write(`${difference.wanted ? 'wrote' : 'removed'} ${difference.path}\n`);
}
for (const path of syncReferences(false)) process.stdout.write(`wrote ${path}\n`);
