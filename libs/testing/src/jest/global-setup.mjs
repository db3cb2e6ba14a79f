import { startPostgres } from '../postgres.ts';

/** Starts one PostgreSQL for the run and hands its URL to the tests, unless MORAG_TEST_DATABASE_URL names one already. */
export default async function globalSetup(globalConfig) {
  if (process.env.MORAG_TEST_DATABASE_URL || process.env.MORAG_TEST_NO_DATABASE) return;
  if (globalConfig.listTests) return;
  const postgres = await startPostgres();
  process.env.MORAG_TEST_DATABASE_URL = postgres.url;
  globalThis.__moragPostgres = postgres;
}
