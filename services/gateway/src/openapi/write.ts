import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadContracts } from '../contracts/contracts.ts';
import { buildOpenApi } from './document.ts';

/**
 * Writes docs/openapi.json; with `--check` it only compares, and ends with 1 when the file is not what the contracts say.
 */
function main(args: readonly string[]): number {
  const unknown = args.find((arg) => arg !== '--check');
  if (unknown !== undefined) return complain(`unknown argument ${unknown}`, 2);
  const path = fileURLToPath(new URL('../../../../docs/openapi.json', import.meta.url));
  const text = `${JSON.stringify(buildOpenApi(loadContracts({ comments: true })), undefined, 2)}\n`;
  if (!args.includes('--check')) {
    writeFileSync(path, text);
    return 0;
  }
  const same = readOr(path, '') === text;
  return same ? 0 : complain('docs/openapi.json is not what the contracts say; run npm run generate', 1);
}

function readOr(path: string, absent: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return absent;
  }
}

function complain(text: string, code: number): number {
  process.stderr.write(`${text}\n`);
  return code;
}

process.exitCode = main(process.argv.slice(2));
