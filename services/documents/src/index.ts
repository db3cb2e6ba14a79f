export { buildDocumentsService, type DocumentsInstance, type DocumentsParts } from './app.ts';
export { NOT_YET_AVAILABLE } from './not-yet-available.ts';
export { schema } from './schema.ts';
