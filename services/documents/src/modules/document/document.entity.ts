import { defineEntity, p } from '@mikro-orm/postgresql';
import { baseColumns } from '@morag/orm';
import type { DocumentState } from './document.state.ts';

const DocumentSchema = defineEntity({
  name: 'Document',
  tableName: 'documents',
  properties: {
    ...baseColumns,
    ownerId: p.uuid(),
    /** Null when its database is gone. */
    databaseId: p.uuid().nullable(),
    name: p.string().length(255),
    type: p.string().length(16),
    state: p.string().length(16).$type<DocumentState>(),
    /** The version that is searched; before the first ingestion the one that is coming. */
    documentVersion: p.integer(),
    /** The newest version that was uploaded. */
    latestVersion: p.integer(),
    /** The version that is searched; the only link between a search and its chunks. */
    activeVersionId: p.uuid().nullable(),
    chunkCount: p.integer().default(0),
    quality: p.double().default(0),
    language: p.string().length(16).default('und'),
    title: p.text().default(''),
    /** Of the newest version, as are size and type. */
    contentHash: p.string().length(64),
    sizeBytes: p.bigint('bigint'),
    metadata: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    jobId: p.uuid().nullable(),
    failureReason: p.string().length(64).nullable(),
    failureDetail: p.text().nullable(),
    uploadedAt: p.datetime(6),
  },
  indexes: [{ name: 'documents_owner', properties: ['ownerId', 'createdAt', 'id'] }],
});

/** A file that can be found, over all its versions. */
export class Document extends DocumentSchema.class {}
DocumentSchema.setClass(Document);
