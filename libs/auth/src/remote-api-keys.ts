import { durationMs } from '@bufbuild/protobuf/wkt';
import { type Client, Code, ConnectError } from '@connectrpc/connect';
import type { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { User_UserRole } from '@morag/gen/morag/identity/v1/user_pb.ts';
import type { LookUpApiKey } from './api-key-verifier.ts';
import { refused } from './authenticator.ts';
import { ROLES } from './permissions.ts';
import { type ServiceTokens, SYSTEM_USER_ID } from './service-tokens.ts';

/** Asks the identity service. */
export function remoteApiKeys(
  client: Pick<Client<typeof ApiKeyService>, 'verifyApiKey'>,
  tokens: ServiceTokens,
): LookUpApiKey {
  return async (key, { address }, signal) => {
    const token = await tokens.issue({ audience: 'identity', ownerId: SYSTEM_USER_ID, permissions: [] });
    const headers = { authorization: `Bearer ${token}` };
    const { apiKey, cacheFor, ownerRole } = await client
      .verifyApiKey({ key, address }, { signal, headers })
      .catch((error: unknown) => {
        // In this service's own words, so that every refusal of every credential is the same to the byte.
        const { code } = ConnectError.from(error);
        throw code === Code.Unauthenticated ? refused('identity refuses the API key', error) : error;
      });
    const role = ROLES.find((name) => User_UserRole[name] === ownerRole);
    if (!apiKey || !role) throw new Error('identity answered without a key or a role');
    return {
      id: apiKey.id,
      ownerId: apiKey.ownerId,
      ownerRole: role,
      permissions: new Set(apiKey.permissions),
      resources: apiKey.resources,
      cidrs: apiKey.cidrs,
      rateLimit: apiKey.rateLimit,
      cacheForMs: cacheFor ? durationMs(cacheFor) : 0,
    };
  };
}
