import { fileURLToPath } from 'node:url';

/**
 * One configuration for every project; Jest 30 strips the types itself, so there is no transform.
 * A project's `test` target runs it with `--rootDir` of its own.
 */
const setup = (name) => fileURLToPath(new URL(`./libs/testing/src/jest/${name}.mjs`, import.meta.url));

export default {
  transform: {},
  testEnvironment: 'node',
  testMatch: ['<rootDir>/**/*.spec.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    '/dist/',
    ...(process.env.MORAG_TEST_SLOW ? [] : ['\\.slow\\.spec\\.ts$']),
    // Left to `npm run conformance`, which runs the same cases, where that comes anyway.
    ...(process.env.MORAG_CONFORMANCE_APART ? ['\\.conformance\\.spec\\.ts$'] : []),
  ],
  modulePathIgnorePatterns: ['/dist/'],
  globalSetup: setup('global-setup'),
  globalTeardown: setup('global-teardown'),
  reporters: ['default', setup('count-reporter')],
  testTimeout: 30_000,
};
