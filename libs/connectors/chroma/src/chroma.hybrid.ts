import {
  fusedQuery,
  type HybridHit,
  type HybridRequest,
  rankByWords,
  type StoredRecord,
  wordsOf,
} from '@morag/connectors-core';
import { CHROMA_CAPABILITIES } from './chroma.options.ts';
import { type ChromaQuery, queryRecords } from './chroma.query.ts';

/** Chroma finds documents by a pattern and does not rank them: that is done here. */
export function hybridRecords(
  on: Pick<ChromaQuery, 'session' | 'call' | 'info'>,
  request: HybridRequest,
): Promise<readonly HybridHit[]> {
  const { vector, filter, include } = request;
  return fusedQuery(
    request,
    { topKMax: CHROMA_CAPABILITIES.maxTopK },
    {
      byVector: (depth) => queryRecords({ ...on, vector, request: { vector, topK: depth, filter, include } }),
      async byWords(depth) {
        const wanted = { vector, topK: depth, filter, include: { ...include, document: true } };
        // Each word for itself: the few documents that have the rare one are not lost among those that have the others.
        const found = await Promise.all(
          wordsOf(request.text).map((word) =>
            queryRecords({ ...on, vector, request: wanted, documentPattern: patternOf(word) }),
          ),
        );
        const candidates = new Map(found.flat().map((hit): [string, StoredRecord] => [hit.id, hit]));
        const ranked = rankByWords(request.text, [...candidates.values()]).slice(0, depth);
        return include?.document === false ? ranked.map((record) => ({ ...record, document: undefined })) : ranked;
      },
    },
  );
}

/** A word as core's `wordsOf` cuts it; of letters and digits alone, so that nothing in it has a meaning of its own. */
function patternOf(word: string): string {
  const edge = '[^\\p{L}\\p{M}\\p{N}]';
  return `(?i)(?:^|${edge})${word}(?:$|${edge})`;
}
