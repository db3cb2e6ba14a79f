import { fileURLToPath } from 'node:url';
import { VARIABLES, type Variable } from './variables.ts';

/** Where the file stands: the repository's root. */
export const ENV_EXAMPLE_PATH = fileURLToPath(new URL('../../../.env.example', import.meta.url));

/** The text of `.env.example`: every variable with its meaning, commented out, at its default. */
export function renderEnvExample(): string {
  const entries = Object.entries<Variable<unknown>>(VARIABLES).map(([name, { description, kind, default: value }]) => {
    const shown = Array.isArray(value) ? value.join(',') : String(value ?? '');
    return `# ${description}\n# Expects ${kind.expects}.\n# ${name}=${shown}\n`;
  });
  const head = '# Every setting of MoRAG. Written by `npm run generate`.\n';
  return [head, ...entries].join('\n');
}
