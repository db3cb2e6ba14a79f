export { accessOf } from './access.ts';
export {
  type AccessClaims,
  type AccessTokens,
  type AccessTokensOptions,
  createAccessTokens,
} from './access-tokens.ts';
export { type Authenticator, type Peer, refused } from './authenticator.ts';
export { createLocalKeys, createRemoteKeys, type KeySource, type RemoteKeysOptions } from './keys.ts';
export { isPermission, isRole, PERMISSIONS, type Permission, permissionsOf, ROLES, type Role } from './permissions.ts';
export { ownerScope, type Principal, principalKey, requirePrincipal } from './principal.ts';
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
