import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import type { Hit, StoredRecord, VectorRecord } from '@morag/connectors-core';
import type { Record as RecordMessage, RecordSchema } from '@morag/gen/morag/servers/v1/record_pb.ts';
import type { QueryRecordsResponse_HitSchema } from '@morag/gen/morag/servers/v1/record_service_pb.ts';

/** A record as a caller sends it. Its vector is handed on as it is: it is converted once, into the log. */
export function fromRecordMessage({ id, vector, metadata, text }: RecordMessage): VectorRecord {
  return { id, vector, metadata, document: text };
}

/** A record as callers see it. */
export function toRecordMessage({
  id,
  vector,
  metadata,
  document,
}: StoredRecord): MessageInitShape<typeof RecordSchema> {
  return { id, vector: toVector(vector), metadata: (metadata ?? {}) as JsonObject, text: document };
}

/** A hit as callers see it. */
export function toHitMessage(hit: Hit): MessageInitShape<typeof QueryRecordsResponse_HitSchema> {
  return {
    id: hit.id,
    score: hit.score,
    rawScore: hit.rawScore,
    metadata: hit.metadata as JsonObject | undefined,
    text: hit.document,
    vector: toVector(hit.vector),
  };
}

function toVector(vector: Float32Array | undefined): number[] | undefined {
  return vector && Array.from(vector);
}
