import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { ENV_EXAMPLE_PATH, renderEnvExample } from './env-example.ts';
import { gatewayConfig, identityConfig } from './services.ts';
import { VARIABLES } from './variables.ts';

it('lists exactly the variables that the code reads', () => {
  expect(readFileSync(ENV_EXAMPLE_PATH, 'utf8')).toBe(renderEnvExample());
});

it('shows defaults that are valid and change nothing', () => {
  const shown = [...renderEnvExample().matchAll(/^# (MORAG_[A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
  expect(shown.map(([name]) => name)).toEqual(Object.keys(VARIABLES));
  const needed = { MORAG_DATABASE_URL: 'postgres://u@h/d', MORAG_MASTER_KEY: 'k', MORAG_JWT_SIGNING_KEY_FILE: 'f' };
  const env = { ...Object.fromEntries(shown), ...needed };
  expect(gatewayConfig(env)).toEqual(gatewayConfig({}));
  expect(identityConfig(env)).toEqual(identityConfig(needed));
});
