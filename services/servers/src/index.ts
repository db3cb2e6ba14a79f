export { buildServersService, type ServersInstance, type ServersParts } from './app.ts';
export { schema } from './schema.ts';
