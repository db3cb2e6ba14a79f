import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isPermission, permissionsOf, type Role } from '@morag/auth';
import { NOT_YET_AVAILABLE as documentsLacks } from '@morag/documents';
import { NOT_YET_AVAILABLE as identityLacks } from '@morag/identity';
import { type AllServices, type Person, startAllServices } from './all-services.ts';
import type { Outcome } from './call-rpc.ts';
import { listRpcs, type Rpc } from './contracts.ts';
import { maskedCall, unknownIds } from './masked-call.ts';
import { newResources } from './resources.ts';
import { type Ids, resourceFields, validRequest } from './valid-request.ts';

const RPCS = listRpcs();
const NOT_YET_AVAILABLE = new Set([...identityLacks, ...documentsLacks]);
const isAvailable = ({ method }: Rpc): boolean => !NOT_YET_AVAILABLE.has(`${method.parent.typeName}/${method.name}`);
const named = (rpcs: readonly Rpc[]): [string, Rpc][] => rpcs.map((rpc) => [rpc.name, rpc]);

/** What nobody has to say for who he is. */
const PUBLIC = ['AuthService/GetJwks', 'AuthService/Login', 'AuthService/Refresh', 'AuthService/Register'];

function may(role: Role, { permission }: Rpc): boolean {
  return isPermission(permission) && permissionsOf(role).has(permission);
}

/** Calls that a user may make and that name a resource: where an id of somebody else's could do harm. */
const GUARDED = RPCS.filter(
  (rpc) =>
    isAvailable(rpc) &&
    (rpc.access === 'authenticated' || may('USER', rpc)) &&
    resourceFields(rpc.method.input).length > 0,
);

let all: AllServices;
let alice: Person;
let bob: Person;
let viewer: Person;
let mine: Ids;
let theirs: Ids;
const table = new Map<string, string[]>();

beforeAll(async () => {
  all = await startAllServices();
  [alice, bob, viewer] = await Promise.all([all.newUser(), all.newUser(), all.newUser('VIEWER')]);
  [mine, theirs] = await Promise.all([newResources(all, alice), newResources(all, bob)]);
}, 60_000);

afterAll(async () => {
  const rows = RPCS.map(({ name }) => `${name.padEnd(42)} ${table.get(name)?.join(' ') ?? ''}`);
  process.stdout.write(`Who is kept out of what (${RPCS.length} methods):\n${rows.join('\n')}\n`);
  await all.stop();
});

/** Notes that a method has stood a test. */
function passed({ name }: Rpc, test: string): void {
  table.set(name, [...(table.get(name) ?? []), test]);
}

/** Without content: who calls is judged before what is said. */
function callEmpty({ service, method }: Rpc, credential?: string): Promise<Outcome> {
  return all.call(service, method, create(method.input), credential);
}

it('lets nobody in without a credential but where it is meant', () => {
  const open = RPCS.filter(({ access }) => access === 'public').map(({ name }) => name);
  expect(open.sort()).toEqual(PUBLIC);
});

describe('a caller', () => {
  it.each(named(RPCS.filter(({ access }) => access !== 'public')))(
    'without a credential, with garbage and with an expired token is nobody to %s',
    async (_name, rpc) => {
      for (const credential of [undefined, 'garbage', `mrg_${randomUUID()}`, await all.expiredToken(alice)]) {
        const outcome = await callEmpty(rpc, credential);
        expect(outcome).toMatchObject({ code: 'Unauthenticated', reason: 'UNAUTHENTICATED' });
      }
      passed(rpc, 'nobody');
    },
  );

  it.each(named(RPCS.filter(({ access }) => access === 'internal')))(
    'who is a person is kept out of %s',
    async (_name, rpc) => {
      for (const { token } of [alice, all.administrator]) {
        expect(await callEmpty(rpc, token)).toMatchObject({ code: 'PermissionDenied', reason: 'PERMISSION_DENIED' });
      }
      passed(rpc, 'people');
    },
  );

  it.each(named(RPCS.filter((rpc) => rpc.access === 'permission' && !may('VIEWER', rpc))))(
    'who only looks is told what he lacks by %s',
    async (_name, rpc) => {
      expect(await callEmpty(rpc, viewer.token)).toMatchObject({
        code: 'PermissionDenied',
        reason: 'PERMISSION_DENIED',
        metadata: { permission: rpc.permission },
      });
      passed(rpc, 'viewer');
    },
  );
});

describe('somebody else’s id is like one that does not exist', () => {
  it.each(named(GUARDED))('to %s', async (_name, rpc) => {
    const fields = resourceFields(rpc.method.input);
    for (const field of fields) expect(Object.keys(theirs)).toContain(field);
    const which = [...fields.map((field) => [field]), ...(fields.length > 1 ? [fields] : [])];
    for (const chosen of which) {
      const stranger = await callWith(rpc, chosen, theirs);
      const nobody = await callWith(rpc, chosen, unknownIds(chosen));
      expect(stranger).toEqual(nobody);
      expect(stranger.code).not.toBe('PermissionDenied');
    }
    passed(rpc, `stranger(${fields.join(',')})`);
  });

  it('and nothing of theirs has changed', async () => {
    for (const rpc of GUARDED.filter(({ name }) =>
      /^\w+\/Get(User|Server|Database|Document|Job|Webhook|Operation)$/.test(name),
    )) {
      const outcome = await all.call(rpc.service, rpc.method, validRequest(rpc.method.input, theirs), bob.token);
      expect({ rpc: rpc.name, code: outcome.code }).toEqual({ rpc: rpc.name, code: 'OK' });
    }
  });
});

/** Calls as Alice, on her own things but for the chosen fields. */
function callWith(rpc: Rpc, chosen: readonly string[], others: Ids): Promise<Outcome> {
  const ids = { ...mine, ...Object.fromEntries(chosen.map((field) => [field, others[field] ?? ''])) };
  return maskedCall(all, rpc, ids, { credential: alice.token, fields: chosen });
}

describe('what is not part of this version', () => {
  it('is what the services say, and says so itself', async () => {
    const lacking = new Set<string>();
    const [administrator, leaving] = await Promise.all([all.newUser('ADMIN'), all.newUser('ADMIN')]);
    for (const rpc of RPCS.filter(({ access }) => access !== 'public')) {
      const { token } = rpc.name === 'AuthService/Logout' ? leaving : administrator;
      const credential = rpc.access === 'internal' ? await all.serviceToken(rpc.service) : token;
      const { code, reason } = await callEmpty(rpc, credential);
      if (reason !== 'NOT_YET_AVAILABLE') continue;
      expect(code).toBe('Unimplemented');
      lacking.add(`${rpc.method.parent.typeName}/${rpc.method.name}`);
    }
    process.stdout.write(`Not yet available (${lacking.size}):\n${[...lacking].sort().join('\n')}\n`);
    expect([...lacking].sort()).toEqual([...NOT_YET_AVAILABLE].sort());
  });
});
