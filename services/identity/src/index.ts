export { buildIdentityService, type IdentityInstance, type IdentityParts, makeFirstAdministrator } from './app.ts';
export { generateSigningKeyPem } from './modules/token/signing-key.ts';
export { schema } from './schema.ts';
