export { buildServersService, type ServersInstance, type ServersParts } from './app.ts';
export { countSecretsUnderOtherKeys, rewrapSecrets } from './modules/server/rewrap-secrets.ts';
export { schema } from './schema.ts';
