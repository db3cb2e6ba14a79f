import { createContextValues } from '@connectrpc/connect';
import { expect, it } from '@jest/globals';
import { file_morag_identity_v1_user_service } from '@morag/gen/morag/identity/v1/user_service_pb.ts';
import { file_morag_options_v1_options } from '@morag/gen/morag/options/v1/options_pb.ts';
import { accessOf } from './access.ts';
import { isOnResources, isPermission, isRole, PERMISSIONS, permissionsOf } from './permissions.ts';
import { isWithin, ownerScope, type Principal, principalKey, requirePrincipal, requireUnlimited } from './principal.ts';

const principal = (changes: Partial<Principal>): Principal => ({
  kind: 'user',
  userId: 'u1',
  role: 'USER',
  permissions: new Set(),
  credential: 'c',
  ...changes,
});

it('are in alphabetical order, each once', () => {
  expect([...PERMISSIONS]).toEqual([...new Set(PERMISSIONS)].toSorted());
  expect(PERMISSIONS.filter((permission) => !/^[a-z]+:[a-z]+$/.test(permission))).toEqual([]);
});

it('shrink from role to role', () => {
  expect(permissionsOf('ADMIN')).toEqual(new Set(PERMISSIONS));
  const [user, viewer] = [permissionsOf('USER'), permissionsOf('VIEWER')];
  expect(PERMISSIONS.filter((permission) => !user.has(permission))).toEqual([
    'models:write',
    'users:read',
    'users:write',
  ]);
  expect([...viewer].filter((permission) => !user.has(permission))).toEqual([]);
  expect([...viewer].filter((permission) => !permission.endsWith(':read'))).toEqual(['documents:search']);
});

it('and roles are recognised, and nothing else is', () => {
  expect([isPermission('servers:read'), isRole('VIEWER')]).toEqual([true, true]);
  expect([isPermission('servers:*'), isPermission(undefined), isRole('admin'), isRole(1)]).toEqual(
    Array(4).fill(false),
  );
});

it('let only an administrator in person see what others own', () => {
  expect(ownerScope(principal({ role: 'ADMIN' }))).toEqual({});
  expect(ownerScope(principal({ role: 'USER' }))).toEqual({ ownerId: 'u1' });
  expect(ownerScope(principal({ role: 'ADMIN', kind: 'api_key' }))).toEqual({ ownerId: 'u1' });
  expect(ownerScope(principal({ kind: 'service' }))).toEqual({ ownerId: 'u1' });
});

it('narrow to the resources of a key, which makes nothing new', () => {
  const limited = principal({ kind: 'api_key', resources: ['databases/d1', 'servers/s1', 'databases/d2'] });
  expect(ownerScope(limited)).toEqual({ ownerId: 'u1', serverIds: ['s1'], databaseIds: ['d1', 'd2'] });
  expect(() => requireUnlimited(limited, 'servers:write')).toThrow(
    expect.objectContaining({ reason: 'PERMISSION_DENIED' }),
  );
  requireUnlimited(principal({ kind: 'api_key' }), 'servers:write');
  expect([isWithin(['d1'], 'd1'), isWithin(['d1'], 'd2'), isWithin(['d1'], null), isWithin(undefined, null)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  expect(PERMISSIONS.filter(isOnResources).map((permission) => permission.split(':')[0])).toEqual(
    expect.arrayContaining(['servers', 'databases', 'records', 'documents', 'jobs']),
  );
  expect([isOnResources('keys:write'), isOnResources('jobs:work'), isOnResources('users:read')]).toEqual(
    Array(3).fill(false),
  );
});

it('are demanded of a caller, who must be there', () => {
  const values = createContextValues();
  expect(() => requirePrincipal({ values })).toThrow(expect.objectContaining({ reason: 'UNAUTHENTICATED' }));
  values.set(principalKey, principal({}));
  expect(requirePrincipal({ values })).toMatchObject({ userId: 'u1' });
});

it('are read from the proto, which must say something', () => {
  const [service] = file_morag_identity_v1_user_service.services;
  const rules = service?.methods.map((method) => accessOf(method).rule.case) ?? [];
  expect(new Set(rules)).toEqual(new Set(['permission', 'authenticated']));
  const unguarded = { parent: { typeName: 'a.B' }, name: 'C', proto: {} };
  expect(file_morag_options_v1_options.services).toEqual([]);
  expect(() => accessOf(unguarded as never)).toThrow('a.B/C lacks the option morag.options.v1.access');
});
