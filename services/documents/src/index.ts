export { buildDocumentsService, type DocumentsInstance, type DocumentsParts } from './app.ts';
export { schema } from './schema.ts';
