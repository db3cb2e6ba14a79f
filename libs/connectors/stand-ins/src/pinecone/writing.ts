import { parseMetadataFilter } from './metadata-filter.ts';
import { toStored } from './records.ts';
import { invalid, Refusal } from './refusal.ts';
import { deleteRequest, read, upsertRequest } from './requests.ts';
import type { StoredIndex } from './stored-index.ts';

interface Written {
  readonly lsn: number;
  readonly answer: object;
}

export function upsert(index: StoredIndex, body: unknown): Written {
  const { vectors, namespace } = read(upsertRequest, body);
  const stored = vectors.map((vector) => toStored(index, vector));
  const lsn = index.openNamespace(namespace).write((records) => {
    for (const vector of stored) records.set(vector.id, vector);
  });
  return { lsn, answer: { upsertedCount: vectors.length } };
}

export function deleteVectors(index: StoredIndex, body: unknown): Written {
  const { ids, deleteAll, filter, namespace } = read(deleteRequest, body);
  if ([ids, deleteAll || undefined, filter].filter((each) => each !== undefined).length !== 1) {
    throw invalid('Exactly one of ids, deleteAll and filter is required');
  }
  const within = index.namespace(namespace);
  // As the service does (pinecone-ts-client#324), though nothing is there to delete.
  if (!within) throw new Refusal(404, 'NOT_FOUND', 'Namespace not found');
  const holds = filter && parseMetadataFilter(filter);
  const lsn = within.write((records) => {
    if (deleteAll) records.clear();
    for (const id of ids ?? []) records.delete(id);
    for (const [id, { metadata = {} }] of holds ? records : []) if (holds?.(metadata)) records.delete(id);
  });
  return { lsn, answer: {} };
}
