import { parseMetadataFilter } from './metadata-filter.ts';
import { USAGE } from './reading.ts';
import { checkValues, scoreOf } from './records.ts';
import { invalid, Refusal } from './refusal.ts';
import { queryRequest, read } from './requests.ts';
import type { StoredIndex } from './stored-index.ts';
import type { StoredVector } from './stored-namespace.ts';

const RESULT_BYTES_MAX = 4 * 1024 * 1024;

/** The nearest records, compared one by one, and how far the namespace is indexed; a missing one answers with nothing. */
export function query(index: StoredIndex, body: unknown): { indexed?: number; answer: object } {
  const request = read(queryRequest, body);
  const { namespace, includeValues, includeMetadata } = request;
  if ((request.vector === undefined) === (request.id === undefined)) {
    throw invalid('Exactly one of vector and id is required');
  }
  if (request.vector) checkValues(index, request.vector, 'The query');
  const within = index.namespace(namespace);
  const records = within?.records() ?? new Map<string, StoredVector>();
  const values = request.vector?.map(Math.fround) ?? records.get(request.id ?? '')?.values;
  const holds = request.filter ? parseMetadataFilter(request.filter) : () => true;
  // Distances: the least is the nearest.
  const sign = index.metric === 'euclidean' ? 1 : -1;
  const matches = (values ? [...records.values()] : [])
    .filter(({ metadata = {} }) => holds(metadata))
    .map((record) => ({ record, score: scoreOf(index, values ?? [], record.values) }))
    .sort((a, b) => sign * (a.score - b.score))
    .slice(0, request.topK)
    .map(({ record: { id, values: stored, metadata }, score }) => ({
      id,
      score,
      values: includeValues ? stored : [],
      ...(includeMetadata && metadata && { metadata }),
    }));
  const answer = { matches, namespace, ...USAGE };
  if ((includeValues || includeMetadata) && Buffer.byteLength(JSON.stringify(answer)) > RESULT_BYTES_MAX) {
    throw new Refusal(400, 'OUT_OF_RANGE', `The result is larger than ${RESULT_BYTES_MAX} bytes; choose a lower top_k`);
  }
  return { indexed: within?.indexed(), answer };
}
