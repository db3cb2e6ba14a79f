export { accessOf } from './access.ts';
export {
  type AccessClaims,
  type AccessTokens,
  type AccessTokensOptions,
  createAccessTokens,
} from './access-tokens.ts';
export { API_KEY_PREFIX, newApiKey, type ParsedApiKey, parseApiKey, publicPart } from './api-key.ts';
export {
  type ApiKeyVerifierOptions,
  createApiKeyVerifier,
  type LookUpApiKey,
  type VerifiedApiKey,
  type VerifyApiKey,
} from './api-key-verifier.ts';
export { type Authenticator, type Peer, refused } from './authenticator.ts';
export { createLocalKeys, createRemoteKeys, KEYS_COOLDOWN_MS, type KeySource, type RemoteKeysOptions } from './keys.ts';
export { networkOf } from './network-of.ts';
export { createNetworks, type Networks, plainAddress } from './networks.ts';
export {
  isOnResources,
  isPermission,
  isRole,
  PERMISSIONS,
  type Permission,
  permissionsOf,
  ROLES,
  type Role,
} from './permissions.ts';
export {
  isWithin,
  type OwnerScope,
  ownerScope,
  type Principal,
  principalKey,
  requirePrincipal,
  requireUnlimited,
} from './principal.ts';
export { remoteApiKeys } from './remote-api-keys.ts';
export { createRevocationFeed, type RemoteRevocationFeed, type RevocationFeedOptions } from './revocation-feed.ts';
export { type IssuedToken, type RevocationFeed, RevocationList, type Revoked } from './revocation-list.ts';
export {
  createServiceTokens,
  type ServiceTokenSpec,
  type ServiceTokens,
  SYSTEM_USER_ID,
  serviceTokenSecret,
} from './service-tokens.ts';
export { createTokenAuthenticator, type TokenAuthenticatorOptions } from './token-authenticator.ts';
