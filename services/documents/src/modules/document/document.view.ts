import type { DocumentState } from './document.state.ts';

/** A document as it is shown: what the entity holds, without a unit of work around it. */
export interface DocumentView {
  readonly id: string;
  readonly ownerId: string;
  readonly databaseId: string | null;
  readonly name: string;
  readonly type: string;
  readonly state: DocumentState;
  readonly documentVersion: number;
  readonly chunkCount: number;
  readonly quality: number;
  readonly language: string;
  readonly title: string;
  readonly contentHash: string;
  readonly sizeBytes: bigint;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly jobId: string | null;
  readonly failureReason: string | null;
  readonly failureDetail: string | null;
  readonly uploadedAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Of the row, for its etag. */
  readonly version: number;
}

/** A version of a document as it is shown. */
export interface VersionView {
  readonly number: number;
  readonly state: 'BUILDING' | 'ACTIVE' | 'SUPERSEDED' | 'FAILED';
  readonly contentHash: string;
  readonly sizeBytes: bigint;
  readonly chunkCount: number;
  readonly quality: number;
  readonly createdAt: Date;
  readonly activatedAt: Date | null;
}

/** A passage as it is shown. */
export interface ChunkView {
  readonly id: string;
  readonly documentId: string;
  readonly documentVersion: number;
  readonly text: string;
  readonly position: number;
  readonly page: number | null;
  readonly headingPath: readonly string[];
  readonly startOffset: number;
  readonly endOffset: number;
  readonly language: string;
}
