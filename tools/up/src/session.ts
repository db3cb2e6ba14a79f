import { type CallOptions, createClient, type Transport } from '@connectrpc/connect';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import type { Credentials } from './installation.ts';

/** The administrator, signed in: gives call options with a token that is good for a while yet. */
export interface Session {
  options(): Promise<CallOptions>;
}

const RENEW_BEFORE_MS = 60_000;

/** Signs in, and again whenever the token is about to expire; an ingestion of a large folder outlasts a token. */
export function openSession(identity: Transport, { email, password }: Credentials): Session {
  const client = createClient(AuthService, identity);
  let token = '';
  let renewAt = 0;
  return {
    async options() {
      if (Date.now() > renewAt) {
        const login = await client.login({ email, password });
        token = login.accessToken;
        renewAt = Date.now() + login.expiresIn * 1000 - RENEW_BEFORE_MS;
      }
      return { headers: { authorization: `Bearer ${token}` } };
    },
  };
}
