import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessOf, isOnResources, isPermission, newApiKey, PERMISSIONS, permissionsOf } from '@morag/auth';
import { DocumentService } from '@morag/gen/morag/documents/v1/document_service_pb.ts';
import { JobService } from '@morag/gen/morag/documents/v1/job_service_pb.ts';
import { ApiKeyService } from '@morag/gen/morag/identity/v1/api_key_service_pb.ts';
import { AuthService } from '@morag/gen/morag/identity/v1/auth_service_pb.ts';
import { UserService } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { DatabaseService } from '@morag/gen/morag/servers/v1/database_service_pb.ts';
import { ServerService } from '@morag/gen/morag/servers/v1/server_service_pb.ts';
import { eventually } from '@morag/testing';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import type { Outcome } from './call-rpc.ts';
import { listRpcs, type Rpc, SERVICES } from './contracts.ts';
import { maskedCall, unknownIds } from './masked-call.ts';
import { newDatabase, newKey, newResources, newServer } from './resources.ts';
import { type Ids, resourceFields } from './valid-request.ts';

const RPCS = listRpcs();
const named = (rpcs: readonly Rpc[]): [string, Rpc][] => rpcs.map((rpc) => [rpc.name, rpc]);
const GUARDED = RPCS.filter(({ access }) => access !== 'public');

/** Credentials that are no good, for whatever reason: one answer to all of them. */
const BAD = [
  'none',
  'garbage',
  'expired token',
  'signed out',
  'disabled user',
  'foreign audience',
  'invented key',
  'revoked key',
  'expired key',
  'rotated key',
  'other address',
] as const;

let all: AllServices;
let alice: Person;
let mine: Ids;
const bad = new Map<(typeof BAD)[number], string>();
let viewer: Person;
/** May nothing. */
let idle: string;
/** May everything that a key can, on one database of Alice's, which is not that of `mine`. */
let limited: string;
let limitedTo: string;
const table = new Map<string, Map<string, string>>();

const ON_RESOURCES = PERMISSIONS.filter((permission) => isOnResources(permission));

beforeAll(async () => {
  all = await startAllServices();
  [alice, viewer] = await Promise.all([all.newUser(), all.newUser('VIEWER')]);
  mine = await newResources(all, alice);
  limitedTo = await newDatabase(all, alice, { serverId: await newServer(all, alice) });
  idle = (await newKey(all, alice)).key;
  const resources = [`databases/${limitedTo}`];
  limited = (await newKey(all, alice, { permissions: ON_RESOURCES, resources })).key;
  await makeBad();
}, 60_000);

afterAll(async () => {
  const columns = [...BAD, 'VIEWER', 'idle key', 'other database'];
  const rows = RPCS.map(({ name }) => {
    const cells = columns.map((column) => (table.get(name)?.get(column) ?? '-').padEnd(column.length));
    return `${name.padEnd(42)} ${cells.join(' ')}`;
  });
  process.stdout.write(
    `What each credential gets (401 who are you, 403 not allowed and which permission is missing, 404 as if it did not exist):\n` +
      `${' '.repeat(42)} ${columns.join(' ')}\n${rows.join('\n')}\n`,
  );
  await all.stop();
});

async function makeBad(): Promise<void> {
  const auth = createClient(AuthService, all.transports.identity);
  const users = createClient(UserService, all.transports.identity);
  const keys = createClient(ApiKeyService, all.transports.identity);
  const [gone, disabled] = await Promise.all([all.newUser(), all.newUser()]);
  await auth.logout({}, gone.as);
  await users.updateUser({ userId: disabled.userId, user: { disabled: true } }, all.administrator.as);
  const everything = { permissions: [...permissionsOf('USER')] };
  const [revoked, expired, rotated, elsewhere] = await Promise.all([
    newKey(all, alice, everything),
    newKey(all, alice, { ...everything, expireTime: timestampFromMs(Date.now() + 5_000) }),
    newKey(all, alice, everything),
    newKey(all, alice, { ...everything, cidrs: ['192.0.2.0/24'] }),
  ]);
  await keys.revokeApiKey({ apiKeyId: revoked.id }, alice.as);
  await keys.rotateApiKey({ apiKeyId: rotated.id }, alice.as);
  bad.set('garbage', 'garbage');
  bad.set('expired token', await all.expiredToken(alice));
  bad.set('signed out', gone.token);
  bad.set('disabled user', disabled.token);
  bad.set('invented key', newApiKey(randomUUID()).key);
  bad.set('revoked key', revoked.key);
  bad.set('expired key', expired.key);
  bad.set('rotated key', rotated.key);
  bad.set('other address', elsewhere.key);
  const { method } = AuthService;
  await eventually(async () => {
    const outcome = await all.call(
      'identity',
      method.listPermissions,
      create(method.listPermissions.input),
      expired.key,
    );
    expect(outcome.code).toBe('Unauthenticated');
  });
}

function callEmpty({ service, method }: Rpc, credential?: string): Promise<Outcome> {
  return all.call(service, method, create(method.input), credential);
}

function note({ name }: Rpc, column: string, { code }: Outcome): void {
  const row = table.get(name) ?? new Map<string, string>();
  table.set(name, row.set(column, HTTP[code] ?? code));
}

const HTTP: Readonly<Record<string, string>> = {
  OK: '200',
  Unauthenticated: '401',
  PermissionDenied: '403',
  NotFound: '404',
};

describe('a credential that is no good, in whichever way, is nobody', () => {
  it.each(named(GUARDED))('to %s', async (_name, rpc) => {
    const answers = new Set<string>();
    for (const kind of BAD) {
      const other = SERVICES.find((service) => service !== rpc.service) ?? 'identity';
      const credential = kind === 'foreign audience' ? await all.serviceToken(other) : bad.get(kind);
      const outcome = await callEmpty(rpc, credential);
      expect({ kind, ...outcome }).toMatchObject({ code: 'Unauthenticated', reason: 'UNAUTHENTICATED', metadata: {} });
      if (kind !== 'none') answers.add(outcome.text);
      note(rpc, kind, outcome);
    }
    expect(answers.size).toBe(1);
  });
});

/** What the contract demands of a caller that has not got it; undefined where it has. */
function missing(rpc: Rpc, permissions: ReadonlySet<string>, isKey: boolean): string | undefined {
  if (rpc.access === 'internal') return 'internal';
  if (rpc.access === 'authenticated') return isKey && !accessOf(rpc.method).apiKeys ? 'session' : undefined;
  return permissions.has(rpc.permission) ? undefined : rpc.permission;
}

describe('who lacks a permission is told which', () => {
  it.each(named(GUARDED))('by %s', async (_name, rpc) => {
    const callers = [
      ['VIEWER', viewer.token, missing(rpc, permissionsOf('VIEWER'), false)],
      ['idle key', idle, missing(rpc, new Set(), true)],
    ] as const;
    for (const [kind, credential, permission] of callers) {
      if (permission === undefined) continue;
      const outcome = await callEmpty(rpc, credential);
      expect({ kind, ...outcome }).toMatchObject({
        code: 'PermissionDenied',
        reason: 'PERMISSION_DENIED',
        metadata: { permission },
      });
      note(rpc, kind, outcome);
    }
  });
});

describe('a key for another database', () => {
  const onResources = GUARDED.filter(({ permission }) => isPermission(permission) && isOnResources(permission));

  it.each(named(onResources))('finds nothing of the rest by %s', async (_name, rpc) => {
    const fields = resourceFields(rpc.method.input);
    const caller = { credential: limited, fields };
    const outcome = await maskedCall(all, rpc, mine, caller);
    const unknown = await maskedCall(all, rpc, { ...mine, ...unknownIds(fields) }, caller);
    expect(outcome).toEqual(unknown);
    for (const field of ['server_id', 'database_id', 'document_id', 'job_id']) {
      expect(outcome.text).not.toContain(mine[field] ?? 'nothing');
    }
    note(rpc, 'other database', outcome);
  });

  it.each(named(GUARDED.filter((rpc) => rpc.access === 'permission' && !onResources.includes(rpc))))(
    'has no business with %s',
    async (_name, rpc) => {
      const outcome = await callEmpty(rpc, limited);
      expect(outcome).toMatchObject({ code: 'PermissionDenied', metadata: { permission: rpc.permission } });
      note(rpc, 'other database', outcome);
    },
  );

  it('sees its own, in lists too', async () => {
    const as = { headers: { authorization: `Bearer ${limited}` } };
    const { servers, documents } = all.transports;
    const databases = createClient(DatabaseService, servers);
    expect((await databases.getDatabase({ databaseId: limitedTo }, as)).id).toBe(limitedTo);
    expect((await databases.listDatabases({}, as)).databases.map(({ id }) => id)).toEqual([limitedTo]);
    expect((await createClient(ServerService, servers).listServers({}, as)).servers).toEqual([]);
    expect((await createClient(DocumentService, documents).listDocuments({}, as)).documents).toEqual([]);
    expect((await createClient(JobService, documents).listJobs({}, as)).jobs).toEqual([]);
  });
});

it('an administrator’s key is its owner’s, and sees only what that owns', async () => {
  const person = await all.newUser('ADMIN');
  const { key } = await newKey(all, person, { permissions: ['databases:read', 'servers:read'] });
  const as = { headers: { authorization: `Bearer ${key}` } };
  expect((await createClient(DatabaseService, all.transports.servers).listDatabases({}, as)).databases).toEqual([]);
});
