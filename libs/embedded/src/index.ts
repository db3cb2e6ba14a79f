export {
  type Account,
  EmbeddedServerError,
  endLeftover,
  isAlive,
  type ServerProcess,
  startServerProcess,
} from './child.ts';
export { type ChromaOptions, type EmbeddedChroma, endLeftoverChroma, startEmbeddedChroma } from './chroma.ts';
export { freePort, isPortFree } from './port.ts';
export { type EmbeddedPostgres, endLeftoverPostgres, type PostgresOptions, startEmbeddedPostgres } from './postgres.ts';
