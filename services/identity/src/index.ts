export { buildIdentityService, type IdentityInstance, type IdentityParts, makeFirstAdministrator } from './app.ts';
export { rotateSigningKey } from './modules/token/rotate-signing-key.ts';
export { generateSigningKeyPem } from './modules/token/signing-key.ts';
export { NOT_YET_AVAILABLE } from './not-yet-available.ts';
export { schema } from './schema.ts';
