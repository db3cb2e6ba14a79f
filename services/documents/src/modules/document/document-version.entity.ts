import { defineEntity, p } from '@mikro-orm/postgresql';
import { baseColumns } from '@morag/orm';

/** See `VersionState` in document.proto. */
export type VersionState = 'BUILDING' | 'ACTIVE' | 'SUPERSEDED' | 'FAILED';

const DocumentVersionSchema = defineEntity({
  name: 'DocumentVersion',
  tableName: 'document_versions',
  properties: {
    ...baseColumns,
    documentId: p.uuid(),
    /** From 1. */
    number: p.integer(),
    state: p.string().length(16).$type<VersionState>(),
    /** Names the blob. */
    contentHash: p.string().length(64),
    sizeBytes: p.bigint('bigint'),
    /** As uploaded; with the content it decides the type, whatever the document is called later. */
    fileName: p.string().length(255),
    /** As the upload declared it; decides where name and content do not. */
    mediaType: p.string().length(255).default(''),
    chunkCount: p.integer().default(0),
    quality: p.double().default(0),
    language: p.string().length(16).default('und'),
    title: p.text().default(''),
    activatedAt: p.datetime(6).nullable(),
  },
  uniques: [{ name: 'document_versions_number', properties: ['documentId', 'number'] }],
  indexes: [{ name: 'document_versions_content', properties: ['contentHash'] }],
});

/** One content of a document. */
export class DocumentVersion extends DocumentVersionSchema.class {}
DocumentVersionSchema.setClass(DocumentVersion);
