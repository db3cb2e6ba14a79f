import { writeFileSync } from 'node:fs';
import { errorsDocument } from './docs.ts';

writeFileSync(new URL('../../../docs/errors.md', import.meta.url), errorsDocument());
