import { create, type JsonObject } from '@bufbuild/protobuf';
import {
  type Chunk,
  ChunkSchema,
  Document_DocumentState,
  type Document as DocumentMessage,
  DocumentSchema,
  DocumentVersion_VersionState,
  DocumentVersionSchema,
  type Position,
  PositionSchema,
  type DocumentVersion as VersionMessage,
} from '@morag/gen/morag/documents/v1/document_pb.ts';
import {
  type DocumentStatistics,
  DocumentStatisticsSchema,
} from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { etagOf } from '@morag/orm';
import { toFailureMessage, toTimestamp } from '../../messages.ts';
import type { ChunkView, DocumentView, VersionView } from './document.view.ts';
import type { DocumentFigures } from './document-statistics.ts';

/** A document as the contract has it. */
export function toDocumentMessage(document: DocumentView): DocumentMessage {
  return create(DocumentSchema, {
    id: document.id,
    ownerId: document.ownerId,
    databaseId: document.databaseId ?? '',
    name: document.name,
    type: document.type,
    state: Document_DocumentState[document.state],
    version: document.documentVersion,
    chunkCount: document.chunkCount,
    quality: document.quality,
    language: document.language,
    title: document.title,
    contentHash: document.contentHash,
    sizeBytes: document.sizeBytes,
    metadata: document.metadata as JsonObject,
    jobId: document.jobId ?? '',
    failure: toFailureMessage(document),
    uploadTime: toTimestamp(document.uploadedAt),
    createTime: toTimestamp(document.createdAt),
    updateTime: toTimestamp(document.updatedAt),
    etag: etagOf(document),
  });
}

/** A version as the contract has it. */
export function toVersionMessage(version: VersionView): VersionMessage {
  return create(DocumentVersionSchema, {
    version: version.number,
    state: DocumentVersion_VersionState[version.state],
    contentHash: version.contentHash,
    sizeBytes: version.sizeBytes,
    chunkCount: version.chunkCount,
    quality: version.quality,
    createTime: toTimestamp(version.createdAt),
    activateTime: toTimestamp(version.activatedAt),
  });
}

/** A passage as the contract has it. */
export function toChunkMessage(chunk: ChunkView): Chunk {
  return create(ChunkSchema, {
    id: chunk.id,
    documentId: chunk.documentId,
    version: chunk.documentVersion,
    text: chunk.text,
    position: toPosition(chunk),
    language: chunk.language,
  });
}

/** Where a passage stands, as the contract has it. */
export function toPosition(
  place: Pick<ChunkView, 'position' | 'page' | 'headingPath' | 'startOffset' | 'endOffset'>,
): Position {
  return create(PositionSchema, {
    index: place.position,
    page: place.page ?? undefined,
    headingPath: [...place.headingPath],
    startOffset: place.startOffset,
    endOffset: place.endOffset,
  });
}

/** Figures as the contract has them. */
export function toStatisticsMessage(figures: DocumentFigures): DocumentStatistics {
  return create(DocumentStatisticsSchema, {
    documentsByState: figures.byState,
    documentsByType: figures.byType,
    chunkCount: figures.chunks,
    sizeBytes: figures.sizeBytes,
    meanQuality: figures.meanQuality,
  });
}
