export { type PineconeFault } from './pinecone/faults.ts';
export {
  type PineconeStandIn,
  type PineconeStandInOptions,
  startPineconeStandIn,
} from './pinecone/pinecone.stand-in.ts';
export { type QdrantFault, type QdrantStandIn, type QdrantStandInOptions, startQdrantStandIn } from './qdrant/index.ts';
