export { accessOf } from './access.ts';
export { type Authenticator, type Principal, principalKey, requirePrincipal } from './principal.ts';
