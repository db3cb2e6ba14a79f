import { deriveKey, type SecretKey } from '@morag/crypto';
import { jwtVerify, SignJWT } from 'jose';
import { isPermission, type Permission } from './permissions.ts';

/** Header type of the tokens by which services call each other. */
export const SERVICE_TOKEN_TYPE = 'svc+jwt';

/** The user of work that is nobody's: reading revocations, registering keys. Owns nothing. */
export const SYSTEM_USER_ID = '00000000-0000-0000-0000-000000000000';

const ALGORITHM = 'HS256';
const TTL_SECONDS_MAX = 300;

/** The secret that the services of one installation share, and nobody else has. */
export function serviceTokenSecret(rootKey: SecretKey): Buffer {
  return deriveKey(rootKey, 'service-tokens');
}

/** What a service token is for. */
export interface ServiceTokenSpec {
  /** The service that will be called. */
  readonly audience: string;
  /** The user for whom; that user's rows are all that the callee shows. */
  readonly ownerId: string;
  /** What the call needs, no more. */
  readonly permissions: readonly Permission[];
  /** When it acts for an API key that is limited to resources: those of the key. */
  readonly resources?: readonly string[];
  /** At most 300; default 60. */
  readonly ttlSeconds?: number;
}

/** Issues the tokens of one service. */
export interface ServiceTokens {
  issue(spec: ServiceTokenSpec): Promise<string>;
}

/** Creates the tokens by which `service` calls others for a user who is not there, in a background job for example. */
export function createServiceTokens({
  service,
  secret,
  now = Date.now,
}: {
  service: string;
  secret: Uint8Array;
  now?: () => number;
}): ServiceTokens {
  return {
    async issue({ audience, ownerId, permissions, resources, ttlSeconds = 60 }) {
      if (ttlSeconds > TTL_SECONDS_MAX) throw new RangeError(`a service token lives at most ${TTL_SECONDS_MAX} s`);
      const issuedAt = Math.floor(now() / 1000);
      return new SignJWT({ permissions: [...permissions], ...(resources && { resources: [...resources] }) })
        .setProtectedHeader({ alg: ALGORITHM, typ: SERVICE_TOKEN_TYPE })
        .setIssuer(service)
        .setAudience(audience)
        .setSubject(ownerId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ttlSeconds)
        .sign(secret);
    },
  };
}

/** A verified service token. */
export interface VerifiedService {
  readonly service: string;
  readonly ownerId: string;
  readonly permissions: ReadonlySet<string>;
  readonly resources?: readonly string[];
  readonly expiresAtMs: number;
}

/** Checks signature, algorithm, type, audience, times and claims; throws for anything amiss. */
export async function verifyServiceToken(
  token: string,
  secret: Uint8Array,
  audience: string,
  nowMs: number,
): Promise<VerifiedService> {
  const { payload } = await jwtVerify(token, secret, {
    algorithms: [ALGORITHM],
    typ: SERVICE_TOKEN_TYPE,
    audience,
    requiredClaims: ['iss', 'sub', 'iat', 'exp', 'permissions'],
    maxTokenAge: TTL_SECONDS_MAX,
    currentDate: new Date(nowMs),
  });
  const { iss, sub, exp, permissions, resources } = payload;
  if (!iss || !sub || exp === undefined || !Array.isArray(permissions) || !permissions.every(isPermission)) {
    throw new Error('a claim has the wrong type');
  }
  if (resources !== undefined && !isTexts(resources)) throw new Error('the resources are no list of texts');
  return {
    service: iss,
    ownerId: sub,
    permissions: new Set(permissions),
    ...(resources && { resources }),
    expiresAtMs: exp * 1000,
  };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
