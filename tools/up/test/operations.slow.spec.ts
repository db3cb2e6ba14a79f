import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Installation, newInstallation } from '@morag/testing';
import { runRecipe } from './recipe.ts';

let installation: Installation;
beforeAll(async () => {
  installation = await newInstallation();
  await installation.start();
}, 120_000);
afterAll(() => installation.remove());

it('the recipes for keys do what docs/operations.md says', async () => {
  const stdout = await runRecipe({
    section: 'Keys for programs',
    env: { MORAG_DATA_DIR: installation.folder },
    gatewayPort: installation.ports.gateway,
  });
  expect(stdout).toContain('{"permissions":["databases:read","documents:search"]}');
  expect(stdout).toContain('"name":"default"');
  expect(stdout).toContain('revoked');
  expect(stdout).toContain('morag.identity.v1.ApiKeyService/RotateApiKey');
  expect(stdout).toMatch(/\d+ events in \d+ chains, all as they were written/);
}, 180_000);
