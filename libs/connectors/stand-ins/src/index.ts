export { type PineconeFault } from './pinecone/faults.ts';
export {
  type PineconeStandIn,
  type PineconeStandInOptions,
  startPineconeStandIn,
} from './pinecone/pinecone.stand-in.ts';
