export { type QdrantFault, type QdrantStandIn, type QdrantStandInOptions, startQdrantStandIn } from './qdrant/index.ts';
