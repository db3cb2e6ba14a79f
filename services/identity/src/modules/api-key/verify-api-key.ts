import { timingSafeEqual } from 'node:crypto';
import {
  createNetworks,
  isOnResources,
  isPermission,
  type Permission,
  parseApiKey,
  permissionsOf,
  refused,
  type VerifiedApiKey,
} from '@morag/auth';
import type { Database } from '@morag/orm';
import { type ApiKeyFacts, type ApiKeyRow, readApiKeyFacts } from './api-key.store.ts';

/** A key that is good, with the row behind it. */
export interface FoundApiKey extends VerifiedApiKey {
  readonly row: ApiKeyRow;
}

const CACHE_MS_MAX = 1_000;
/** Stands in for the hash of a key that does not exist, so that comparing takes as long. */
const NO_HASH = Buffer.alloc(32);

/**
 * Judges a key. Unknown, wrong, revoked, expired, of a disabled user, from a foreign address: one answer after the same
 * work, which is one row read and two hashes compared.
 */
export async function verifyApiKey(
  { db, now }: { readonly db: Database; readonly now: () => number },
  { key, address }: { readonly key: string; readonly address: string },
): Promise<FoundApiKey> {
  const parsed = parseApiKey(key);
  if (!parsed) throw refused('the API key is malformed');
  const facts = await readApiKeyFacts(db, parsed.id);
  const nowMs = now();
  const isCurrent = timingSafeEqual(parsed.secretHash, facts?.secretHash ?? NO_HASH);
  const isPrevious = timingSafeEqual(parsed.secretHash, facts?.previousHash ?? NO_HASH);
  const endsAtMs = isCurrent ? Number.POSITIVE_INFINITY : (facts?.previousUntil?.getTime() ?? 0);
  if (!facts || !(isCurrent || isPrevious)) throw refused('no such API key');
  if (nowMs >= endsAtMs) throw refused('the API key was rotated');
  requireInForce(facts, nowMs);
  if (facts.cidrs.length > 0 && !createNetworks(facts.cidrs).has(address)) {
    throw refused('the API key is not for this address');
  }
  const untilMs = Math.min(endsAtMs, facts.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
  return {
    row: facts,
    id: facts.id,
    ownerId: facts.ownerId,
    ownerRole: facts.role,
    permissions: permissionsInForce(facts),
    resources: facts.resources,
    cidrs: facts.cidrs,
    rateLimit: facts.rateLimit,
    cacheForMs: Math.min(CACHE_MS_MAX, untilMs - nowMs),
  };
}

function requireInForce({ revokedAt, expiresAt, isOwnerDisabled }: ApiKeyFacts, nowMs: number): void {
  if (revokedAt) throw refused('the API key was revoked');
  if (expiresAt && expiresAt.getTime() <= nowMs) throw refused('the API key has expired');
  if (isOwnerDisabled) throw refused('the owner of the API key is disabled');
}

/** What the key was given, as far as its owner has it now; of a limited key only what its resources narrow. */
function permissionsInForce({ permissions, resources, role }: ApiKeyFacts): ReadonlySet<Permission> {
  const owners = permissionsOf(role);
  const isGiven = (permission: string): permission is Permission =>
    isPermission(permission) && owners.has(permission) && (resources.length === 0 || isOnResources(permission));
  return new Set(permissions.filter(isGiven));
}
