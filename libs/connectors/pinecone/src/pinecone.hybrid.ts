import {
  fusedQuery,
  type HybridHit,
  type HybridRequest,
  rankByWords,
  type StoredRecord,
  wordsOf,
} from '@morag/connectors-core';
import type { PineconeCall } from './pinecone.access.ts';
import { WORDLESS_KEY, WORDS_KEY } from './pinecone.metadata.ts';
import { PINECONE_CAPABILITIES } from './pinecone.options.ts';
import { queryRecords } from './pinecone.query.ts';

/**
 * By vector and by words. The service mixes the two only under the inner product, and weighs no words: each record lists
 * those of its document, which filters find, and they are ranked here.
 */
export function hybridRecords(on: PineconeCall, request: HybridRequest): Promise<readonly HybridHit[]> {
  const { vector, text, filter, include } = request;
  return fusedQuery(
    request,
    { topKMax: PINECONE_CAPABILITIES.maxTopK },
    {
      byVector: (depth) => queryRecords(on, vector, { vector, topK: depth, filter, include }),
      async byWords(depth) {
        const words = wordsOf(text);
        if (words.length === 0) return [];
        const wanted = { vector, topK: depth, filter, include: { ...include, document: true } };
        // Each word for itself: the few documents that have the rare one are not lost among those that have the others.
        const clauses = [...words.map((word) => ({ [WORDS_KEY]: { $eq: word } })), { [WORDLESS_KEY]: { $eq: true } }];
        const found = await Promise.all(clauses.map((only) => queryRecords(on, vector, wanted, only)));
        const candidates = new Map(found.flat().map((hit): [string, StoredRecord] => [hit.id, hit]));
        const ranked = rankByWords(text, [...candidates.values()]).slice(0, depth);
        return include?.document === false ? ranked.map((record) => ({ ...record, document: undefined })) : ranked;
      },
    },
  );
}
