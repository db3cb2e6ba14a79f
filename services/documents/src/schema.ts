import { fileURLToPath } from 'node:url';
import { AuditEntry, OutboxEvent, type SchemaDefinition } from '@morag/orm';
import { Document } from './modules/document/document.entity.ts';
import { DocumentVersion } from './modules/document/document-version.entity.ts';
import { Job } from './modules/job/job.entity.ts';
import { JobAttempt } from './modules/job/job-attempt.entity.ts';

/**
 * What the migrations follow from. Tables that are only ever read and written many rows at a time (chunks, lexemes,
 * tombstones, counters) have no entity; the migrations hold them as SQL.
 */
export const schema: SchemaDefinition = {
  schema: 'documents',
  entities: [Document, DocumentVersion, Job, JobAttempt, AuditEntry, OutboxEvent],
  migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)),
};

/** Where the queue library keeps its own tables, which it migrates itself. */
export const QUEUE_SCHEMA = 'documents_queue';
