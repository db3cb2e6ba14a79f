/** Everything that can be permitted, `<noun>:<verb>`. Each RPC names at most one of them in its proto. */
export const PERMISSIONS = [
  'audit:read',
  'authorizations:decide',
  'authorizations:read',
  'authorizations:write',
  'cache:read',
  'cache:write',
  'databases:read',
  'databases:write',
  'documents:read',
  'documents:search',
  'documents:write',
  'embeddings:read',
  'embeddings:write',
  'jobs:read',
  'jobs:work',
  'jobs:write',
  'keys:read',
  'keys:write',
  'memories:read',
  'memories:write',
  'models:read',
  'models:write',
  'records:read',
  'records:write',
  'selections:read',
  'selections:write',
  'servers:read',
  'servers:test',
  'servers:write',
  'users:read',
  'users:write',
] as const;

/** See PERMISSIONS. */
export type Permission = (typeof PERMISSIONS)[number];

/** What a user is, from most to least powerful. */
export const ROLES = ['ADMIN', 'USER', 'VIEWER'] as const;
/** See ROLES. */
export type Role = (typeof ROLES)[number];

/** About others or the whole installation, so never a plain user's. */
const ADMINISTRATIVE: ReadonlySet<Permission> = new Set(['models:write', 'users:read', 'users:write']);

const own = PERMISSIONS.filter((permission) => !ADMINISTRATIVE.has(permission));

const BY_ROLE: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  ADMIN: new Set(PERMISSIONS),
  USER: new Set(own),
  VIEWER: new Set(own.filter((permission) => permission.endsWith(':read') || permission === 'documents:search')),
};

/** What a role may do: ADMIN everything, USER everything with its own things, VIEWER look and search. */
export function permissionsOf(role: Role): ReadonlySet<Permission> {
  return BY_ROLE[role];
}

/** Nouns that are servers, databases, or in a database: what resources can limit a key to. */
const IN_RESOURCES = /^(servers|databases|records|documents|jobs):(?!work$)/;

/** Whether a permission is on things that a list of resources can narrow. */
export function isOnResources(permission: Permission): boolean {
  return IN_RESOURCES.test(permission);
}

/** Whether a text, from a token or a request, is a permission. */
export function isPermission(text: unknown): text is Permission {
  return PERMISSIONS.some((permission) => permission === text);
}

/** Whether a text, from a token or a request, is a role. */
export function isRole(text: unknown): text is Role {
  return ROLES.some((role) => role === text);
}
