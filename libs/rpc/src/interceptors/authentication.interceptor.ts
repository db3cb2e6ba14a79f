import type { Interceptor } from '@connectrpc/connect';
import { type Authenticator, principalKey } from '@morag/auth';
import { DomainError } from '@morag/errors';
import { peerAddressKey } from '../call-context.ts';
import type { AccessRules } from '../server/access-rules.ts';

/** Establishes who calls, for every method that is not public. */
export function authentication(authenticator: Authenticator, rules: AccessRules): Interceptor {
  return (next) => async (req) => {
    if (rules(req.method).case === 'public') return next(req);
    const credential = credentialOf(req.header);
    if (credential === undefined) {
      throw new DomainError(
        'UNAUTHENTICATED',
        'This call needs a credential: "authorization: Bearer <access token>" or "x-api-key: <key>".',
      );
    }
    const address = req.contextValues.get(peerAddressKey);
    req.contextValues.set(principalKey, await authenticator.authenticate(credential, { address }, req.signal));
    return next(req);
  };
}

const BEARER = /^Bearer +(\S+) *$/i;

function credentialOf(header: Headers): string | undefined {
  const authorization = header.get('authorization');
  if (authorization !== null) return BEARER.exec(authorization)?.[1];
  return header.get('x-api-key') ?? undefined;
}
