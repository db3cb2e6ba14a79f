export { buildIdentityService, type IdentityInstance, type IdentityParts } from './app.ts';
export { generateSigningKeyPem } from './modules/token/signing-key.ts';
export { schema } from './schema.ts';
