export { createTestDatabase, freePort, startPostgres, type TestPostgres } from './postgres.ts';
