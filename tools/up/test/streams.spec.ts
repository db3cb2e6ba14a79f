import { type CallOptions, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { reasonOf } from '@morag/errors';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import { newKey, newServer } from './resources.ts';

let all: AllServices;
beforeAll(async () => {
  all = await startAllServices();
}, 60_000);
afterAll(() => all.stop());

/** Takes away what a person's stream was opened with. */
type Revoke = (person: Person, keyId: string) => Promise<unknown>;

const WAYS: readonly (readonly [string, 'key' | 'session', Revoke])[] = [
  ['a key is revoked', 'key', (person, apiKeyId) => keys().revokeApiKey({ apiKeyId }, person.as)],
  ['a session is signed out', 'session', (person) => createClient(AuthService, identity()).logout({}, person.as)],
  ['a user is disabled', 'session', disable],
  ['the owner of a key is disabled', 'key', disable],
];

const identity = () => all.transports.identity;
const keys = () => createClient(ApiKeyService, identity());

function disable({ userId }: Person): Promise<unknown> {
  const users = createClient(UserService, identity());
  return users.updateUser({ userId, user: { disabled: true } }, all.administrator.as);
}

it.each(WAYS)(
  'an open stream ends soon when %s',
  async (_what, kind, revoke) => {
    const person = await all.newUser();
    await newServer(all, person);
    const { id, key } = await newKey(all, person, { permissions: ['servers:read'] });
    const as: CallOptions = kind === 'key' ? { headers: { authorization: `Bearer ${key}` } } : person.as;
    const opened = Promise.withResolvers<void>();
    const ended = (async () => {
      for await (const _ of createClient(ServerService, all.transports.servers).watchHealth({}, as)) opened.resolve();
    })().then(
      () => 'no error',
      (error: unknown) => reasonOf(error),
    );
    await opened.promise;
    const begun = performance.now();
    await revoke(person, id);
    expect(await ended).toBe('UNAUTHENTICATED');
    // A second is promised, and measured by P3 of the benchmarks; here other tests may have the cores.
    expect(performance.now() - begun).toBeLessThan(5_000);
  },
  60_000,
);
