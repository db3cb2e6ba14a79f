export { type Account, EmbeddedServerError, isAlive } from './child.ts';
export { type ChromaOptions, type EmbeddedChroma, startEmbeddedChroma } from './chroma.ts';
export { freePort, isPortFree } from './port.ts';
export { type EmbeddedPostgres, type PostgresOptions, startEmbeddedPostgres } from './postgres.ts';
