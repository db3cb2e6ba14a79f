export { freePort } from '@morag/embedded';
export { createTestDatabase, startPostgres, type TestPostgres } from './postgres.ts';
