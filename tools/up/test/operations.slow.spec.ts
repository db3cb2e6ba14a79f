import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Installation, newInstallation } from '@morag/testing';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

let installation: Installation;
beforeAll(async () => {
  installation = await newInstallation();
  await installation.start();
}, 120_000);
afterAll(() => installation.remove());

it('the recipes for keys do what docs/operations.md says', async () => {
  const [, section = ''] = readFileSync(`${ROOT}/docs/operations.md`, 'utf8').split('\n## Keys for programs\n');
  const [, block = ''] = /^```sh\n([\s\S]*?)^```$/m.exec(section) ?? [];
  const script = block.replaceAll('127.0.0.1:8080', `127.0.0.1:${installation.ports.gateway}`);
  const env = { ...process.env, MORAG_DATA_DIR: installation.folder };
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: ROOT, env });
  expect(stdout).toContain('{"permissions":["databases:read","documents:search"]}');
  expect(stdout).toContain('"name":"default"');
  expect(stdout).toContain('revoked');
  expect(stdout).toContain('morag.identity.v1.ApiKeyService/RotateApiKey');
  expect(stdout).toMatch(/\d+ events in \d+ chains, all as they were written/);
}, 180_000);
