export type { QdrantFault } from './faults.ts';
export { type QdrantStandIn, type QdrantStandInOptions, startQdrantStandIn } from './server.ts';
