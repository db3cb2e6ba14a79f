import { findDifferences, STAGES, settle } from './generated.ts';
import { syncReferences } from './references.ts';

/** `npm run generate`: brings every generated file up to date and names those that changed. */
for (const stage of STAGES) {
  for (const difference of await findDifferences(stage)) {
    settle(difference);
    process.stdout.write(`${difference.wanted ? 'wrote' : 'removed'} ${difference.path}\n`);
  }
}
for (const path of syncReferences(false)) process.stdout.write(`wrote ${path}\n`);
